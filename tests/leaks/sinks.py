"""Every place in which a run may have left a secret, and how it is read."""

import gzip
import quopri
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.leaks.run import Run
from tests.leaks.scanner import Pieces, Sink, files, text
from tests.leaks.surroundings import PostgreSQL, SQLite
from tests.servers import PG_CTL

Places = Iterator[tuple[str, Callable[[], Pieces]]]
NO_SECRETS = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}


def sinks(run: Run) -> list[Sink]:
    """Return every place to search; the run's control is in each of them."""
    found = [*of_database(run.database), *of_broker(run), *of_product(run), *of_browser(run)]
    return [Sink(name, run.planted.control, read) for name, read in found]


def of_database(database: PostgreSQL | SQLite) -> Places:
    """What a dump tells, and what the files hold besides it."""
    dump = database.dump() if isinstance(database, SQLite) else pg_dump(database)
    yield "database dump", text("dump", dump)
    yield "compressed dump", text("packed", gzip.compress(dump))
    if isinstance(database, SQLite):
        # What stands in the log moves into the file: one place, whichever holds it now.
        yield "SQLite file and -wal", files(database.path, Path(f"{database.path}-wal"))
        return
    # What was written last is in the files only after this.
    database.run("CHECKPOINT")
    apart = ("pg_wal", "log")
    inner = [path for path in database.folder.iterdir() if path.name not in apart]
    yield "PostgreSQL data", files(*inner)
    yield "PostgreSQL WAL", files(database.folder / "pg_wal")
    yield "PostgreSQL log", files(database.folder / "log")


def pg_dump(database: PostgreSQL) -> bytes:
    """Return the whole database as statements, by the server's own program."""
    command = [str(PG_CTL.with_name("pg_dump")), *database.dump_command]
    return subprocess.run(command, env=NO_SECRETS, check=True, stdout=subprocess.PIPE).stdout


def of_broker(run: Run) -> Places:
    """Its memory, its own log of commands, what it was told, what it says of itself."""
    yield "broker memory (RDB)", files(run.broker.folder / "dump.rdb")
    # Its log has no line into which a control could be put, and is searched with its files.
    yield "broker commands (AOF), log", files(run.broker.folder / "appendonlydir", run.broker.log)
    yield "broker overheard (MONITOR)", files(run.broker.recording)


def of_product(run: Run) -> Places:
    """Pages, mails, exports, logs, command lines, environments, files."""
    yield "pages and answers", files(run.record.bodies)
    yield "headers", files(run.record.headers)
    yield "mail", lambda: letters(run)
    # Not the addresses that they came to: a secret of their receiver is in one.
    messages = [f"{taken.headers}\n{taken.body}" for taken in run.hooks.taken]
    yield "webhook messages", text("messages", "\n".join(messages).encode())
    yield "exports", files(run.folder / "exports")
    for log in sorted(run.product.logs.iterdir()):
        yield f"log of {log.stem}", files(log)
    yield "command lines", text("/proc/*/cmdline", *run.watcher.command_lines)
    yield "environments", text("/proc/*/environ", *run.watcher.environments)
    yield "temporary files", files(run.product.temporary, run.captured)
    yield "working folder", files(run.product.application, run.folder / "home")


def letters(run: Run) -> Pieces:
    """Every mail as it came, and as it is read, without each invitation's link in the letter that brought it."""
    came = run.mail.path.read_bytes().replace(b"=\r\n", b"")
    for name, mail in (("mail", came), ("read mail", quopri.decodestring(came))):
        for link in run.journey.invited:
            mail = mail.replace(link.encode(), b"link", 1)
        yield name, mail


def of_browser(run: Run) -> Places:
    """The profile, and apart from it the cache, each with a control of its own kind."""
    profile = run.folder / "profile"
    caches = [path for path in profile.rglob("*") if path.is_dir() and path.name == "Cache"]
    yield "browser cache", files(*caches)
    yield "browser profile", files(profile)

"""What is checked of the processes themselves: their logs, their memory, what lies about."""

import json
import re
from collections.abc import Iterable, Sequence

import redis
from django.apps import apps
from django.conf import settings
from django.db import connection

from sandbox.running import RemoteSandbox
from tests.faults.processes import Process

MOST_MEMORY = 512 * 2**20
# Tokens searched for, of each account.
SAMPLE = 20
# What stands between an exception and the one that it led to.
CHAIN = re.compile(
    r"(?:direct cause of the following exception|another exception occurred):\s*"
    r"Traceback \(most recent call last\)"
)
# How a traceback ends: the exception's own name at the beginning of a line, with its module unless it is Python's.
ENDING = re.compile(
    r"^((?:\w+\.)+[A-Z]\w*|\w*(?:Error|Exception|Interrupt|Exit|Lost)\w*)(?::|$)", re.M
)


def tracebacks(processes: Iterable[Process], expected: Sequence[str]) -> list[str]:
    """Name each traceback in the logs that does not end in an expected exception."""
    found = []
    for process in processes:
        text = process.log.read_text(errors="replace") if process.log.exists() else ""
        for trace in _traces(text):
            endings = list(ENDING.finditer(trace))
            last = endings[-1][1] if endings else "?"
            if not any(last.endswith(name) for name in expected):
                told = trace[: endings[-1].end() + 100] if endings else trace
                found.append(f"{process.name}: {last}: {' '.join(told.split())[-500:]}")
    return found


def _traces(text: str) -> Iterable[str]:
    for line in text.splitlines():
        if line.startswith("{") and "Traceback (most recent call last)" in line:
            yield _of_event(line)
    plain = CHAIN.sub("", "\n".join(ln for ln in text.splitlines() if not ln.startswith("{")))
    yield from plain.split("Traceback (most recent call last)")[1:]


def _of_event(line: str) -> str:
    try:
        event = json.loads(line)
    except ValueError:
        return line
    return "\n".join(str(value) for value in event.values())


def of_ours(peaks: dict[tuple[str, int], int]) -> dict[tuple[str, int], int]:
    """Leave out the platform, which makes the bombs."""
    return {key: peak for key, peak in peaks.items() if key[0] != "sandbox"}


def too_large(peaks: dict[tuple[str, int], int]) -> list[str]:
    """Name each process of ours that took more than 512 MB."""
    return [
        f"{name} ({pid}) took {peak / 2**20:.0f} MB"
        for (name, pid), peak in of_ours(peaks).items()
        if peak > MOST_MEMORY
    ]


def secrets_found(sandbox: RemoteSandbox, processes: Iterable[Process]) -> list[str]:
    """Search logs, every column of the database and the broker for what must not be there."""
    secrets = _secrets(sandbox)
    found = []
    for place, text in _places(processes):
        found += [f"{place} holds a secret" for secret in secrets if secret in text]
    return found


def _secrets(sandbox: RemoteSandbox) -> set[str]:
    found: set[str] = set()
    for number in sandbox.ask("GET", "")["accounts"]:
        account = sandbox.account(number)
        found |= {account.user_secret, account.organization_secret, account.sandbox.password}
        tokens = [one["token"] for one in account.instances() if one["token"]]
        found |= set(tokens[:SAMPLE])
    return {secret for secret in found if len(secret) > 8}


def _places(processes: Iterable[Process]) -> Iterable[tuple[str, str]]:
    for process in processes:
        # The platform itself knows its secrets.
        if process.log.exists() and process.name != "sandbox":
            yield f"the log of {process.name}", process.log.read_text(errors="replace")
    for model in apps.get_models():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {model._meta.db_table}")
            yield f"table {model._meta.db_table}", repr(cursor.fetchall())
    broker = redis.Redis.from_url(settings.CELERY_BROKER_URL)
    for key in broker.scan_iter():
        yield "the broker", repr(broker.dump(key))

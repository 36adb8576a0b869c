"""Instances: listed, asked for, waited for, their tokens fetched, shared."""

import argparse
import json
import re
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from elementdesk.failures import Exit, LostError, NotDoneError, plain
from elementdesk.files import read_bytes, read_given, replacing, with_variable
from elementdesk.server import Server

FILTERS = ("q", "status", "health", "environment", "owner", "tag", "element", "access")
COLUMNS = ("id", "status", "environment", "element_key", "owner", "name")
PAGE = "200"
# Seconds that one question waits at the server, and how long two questions are apart at least.
ASKED, APART = 30.0, 2.0
ONCE = re.compile(r"[\x21-\x7e]{1,200}")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# States in which nothing more happens before a person did something.
STUCK = ("needs_person", "blocked")


def say(*lines: str) -> None:
    """Write lines to standard output."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def say_json(told: Any) -> None:
    """Write what programs read."""
    say(json.dumps(told, indent=2))


def _mention(line: str) -> None:
    """Write a line to standard error at once, beside what programs read."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def list_instances(server: Server, asked: argparse.Namespace) -> Exit:
    """Print every instance that the filters leave, newest first."""
    query = {name: value for name in FILTERS if (value := getattr(asked, name))}
    rows = every(server, query)
    if asked.json:
        say_json(rows)
    elif rows:
        say(*_table(rows))
    return Exit.DONE


def every(server: Server, query: dict[str, str]) -> list[dict[str, Any]]:
    """Return every instance that the query leaves, newest first, however many pages that takes."""
    rows: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        page = server.get("instances", {**query, **after, "limit": PAGE})
        rows += page["items"]
        if not page["items"] or not page["next"]:
            return rows
        after = {"after": page["next"]}


def _table(rows: list[dict[str, Any]]) -> list[str]:
    lines = [[name.removesuffix("_key").upper() for name in COLUMNS]]
    lines += [[plain(row[name]) or "-" for name in COLUMNS] for row in rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(COLUMNS))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def create(server: Server, asked: argparse.Namespace) -> Exit:
    """Ask for the instance of an instance.json, once, however often it is repeated with its key."""
    body = _instance_json(asked.file)
    once = asked.key or f"cli-{uuid.uuid4()}"
    if not ONCE.fullmatch(once):
        raise NotDoneError(
            Exit.USAGE, "A --key has up to 200 letters, digits and signs, no spaces."
        )
    # Said before anything is sent: whatever happens, the same request can be repeated.
    _mention(f"Idempotency key: {once}")
    try:
        operation = server.post("instances", body, Idempotency_Key=once)
    except LostError as error:
        sentence = (
            f"{error.sentence} It may have been asked for: run the same again with --key {once}, "
            "which asks for no second one."
        )
        raise NotDoneError(Exit.NEEDS_PERSON, sentence) from None
    if asked.wait:
        # Whatever interrupts the waiting, `wait` goes on with this.
        _mention(plain(f"Operation: {operation['id']}"))
        return _followed(server, operation, asked)
    _show(operation, asked)
    return Exit.DONE


def _instance_json(path: str) -> bytes:
    content = read_given(path, "instance.json")
    try:
        told = json.loads(content)
    except UnicodeDecodeError:
        raise NotDoneError(Exit.USAGE, f"{path} is not UTF-8: save it so.") from None
    except json.JSONDecodeError as error:
        raise NotDoneError(Exit.USAGE, f"{path} is not JSON: {error}.") from None
    if not isinstance(told, dict):
        raise NotDoneError(Exit.USAGE, f"{path} is not an instance.json: it has to be an object.")
    return content.removeprefix(b"\xef\xbb\xbf")


def wait(server: Server, asked: argparse.Namespace) -> Exit:
    """Wait until an operation is final or needs somebody."""
    return _followed(server, server.get(f"operations/{asked.id}"), asked)


def _followed(server: Server, operation: dict[str, Any], asked: argparse.Namespace) -> Exit:
    settled = _settled(server, operation, asked.timeout)
    _show(settled, asked)
    return _outcome(settled)


def follow(server: Server, operation: dict[str, Any], seconds: float) -> None:
    """
    Wait until an operation has succeeded.

    :raises NotDoneError: it has not; what to do now is said.
    """
    _outcome(_settled(server, operation, seconds))


def _settled(server: Server, operation: dict[str, Any], limit: float) -> dict[str, Any]:
    deadline = time.monotonic() + limit
    is_settled = _is_settled(operation)
    while not is_settled and (left := deadline - time.monotonic()) > 0:
        seconds = min(left, ASKED)
        started = time.monotonic()
        operation = server.get(f"operations/{operation['id']}", {"wait": f"{seconds:.1f}"})
        taken = time.monotonic() - started
        is_settled = _is_settled(operation)
        if not is_settled and taken < seconds:
            time.sleep(min(APART, max(0.0, deadline - time.monotonic())))
    return operation


def _is_settled(operation: dict[str, Any]) -> bool:
    return operation["is_final"] or operation["state"] in STUCK or bool(operation["choices"])


def _outcome(operation: dict[str, Any]) -> Exit:
    """Return what became of an operation; of what is not done, say what to do now."""
    state, message = operation["state"], plain(operation["message"])
    if state == "succeeded":
        return Exit.DONE
    if operation["is_final"]:
        raise NotDoneError(Exit.REJECTED, f"It was {plain(state)}. {message}".rstrip())
    if _is_settled(operation):
        sentence = f"Somebody has to decide: open the instance in Elementdesk. {message}"
        raise NotDoneError(Exit.NEEDS_PERSON, sentence.rstrip())
    if state == "unknown":
        sentence = "The outcome is unknown: do not ask again; Elementdesk looks for it. Wait on."
        raise NotDoneError(Exit.NEEDS_PERSON, sentence)
    sentence = f"It is still {plain(state)}: run elementdesk wait {operation['id']}."
    raise NotDoneError(Exit.IN_PROGRESS, sentence)


def _show(operation: dict[str, Any], asked: argparse.Namespace) -> None:
    if asked.json:
        say_json(operation)
        return
    names = {"instance": "instance_id", "operation": "id", "state": "state"}
    say(*(f"{name}: {plain(operation[key])}" for name, key in names.items()))
    sys.stdout.flush()


def token(server: Server, asked: argparse.Namespace) -> Exit:
    """Fetch a token: to standard output, or into an environment file."""
    if not asked.env_file:
        say(_fetched(server, asked))
        return Exit.DONE
    path, name = Path(asked.env_file[0]), asked.env_file[1]
    if not VARIABLE.fullmatch(name):
        raise NotDoneError(Exit.USAGE, "NAME has letters, digits and _, and begins with no digit.")
    content = read_bytes(path)
    # A token is recorded as seen when it is fetched: only when there is a place for it.
    with replacing(path) as replacement:
        replacement.write(with_variable(content, name, _fetched(server, asked)))
    _mention(f"{name} is in {plain(path)}.")
    return Exit.DONE


def _fetched(server: Server, asked: argparse.Namespace) -> str:
    body = json.dumps({"reason": asked.reason}).encode() if asked.reason else None
    return str(server.post(f"instances/{asked.id}/token", body)["token"])


def share(server: Server, asked: argparse.Namespace) -> Exit:
    """Share an instance with one person or one team; again, to replace that share."""
    wish = {"level": asked.level, "person": asked.person, "team": asked.team, "until": asked.until}
    body = json.dumps({name: value for name, value in wish.items() if value})
    made = server.post(f"instances/{asked.id}/shares", body.encode())
    if asked.json:
        say_json(made)
        return Exit.DONE
    until = f" until {made['until']}" if made["until"] else ""
    say(plain(f"{made['person'] or made['team']}: {made['level']}{until}"))
    return Exit.DONE

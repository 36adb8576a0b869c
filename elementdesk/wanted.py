"""instances.yaml: what shall be there, read and checked before anything is asked."""

import getpass
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from elementdesk.failures import Exit, NotDoneError, plain
from elementdesk.files import read_bytes, read_given

KINDS = {
    "id": str,
    "name": str,
    "element": str,
    "environment": str,
    "tags": list,
    "enabled": bool,
    "configuration": dict,
    "shares": list,
}
WORDS = {str: "a text", list: "a list", bool: "true or false", dict: "entries with their values"}
SHARE = {"person", "team", "level", "until"}
REFERENCE = re.compile(r"(env|file|prompt):(.*)", re.S)


@dataclass(frozen=True)
class Wanted:
    """One entry of the file; what it does not name is None, and stays as it is."""

    name: str
    element: str
    id: str = ""
    environment: str = ""
    tags: list[str] | None = None
    enabled: bool | None = None
    configuration: dict[str, str | bool] | None = field(default=None, repr=False)
    shares: list[dict[str, str]] = field(default_factory=list)


def read(path: str) -> list[Wanted]:
    """
    Return the entries of a file.

    :raises NotDoneError: it cannot be understood; every place is named, and no value.
    """
    content = read_given(path, "instances.yaml")
    try:
        told = yaml.safe_load(content)
    except yaml.MarkedYAMLError as error:
        # Not what stands there: it could be a secret.
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise NotDoneError(Exit.USAGE, f"{path} is not YAML{line}: {error.problem}.") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise NotDoneError(Exit.USAGE, f"{path} is not YAML in UTF-8.") from None
    if not isinstance(told, dict) or set(told) != {"instances"}:
        raise NotDoneError(
            Exit.USAGE, f"{path} has to begin with instances:, and nothing beside it."
        )
    entries = told["instances"] or []
    if not isinstance(entries, list):
        raise NotDoneError(Exit.USAGE, f"{path}: instances has to be a list.")
    problems = [said for place, entry in enumerate(entries) for said in _problems(place, entry)]
    problems += _twice(entries) if not problems else []
    if problems:
        raise NotDoneError(Exit.USAGE, plain(f"{path}: {'; '.join(problems)}."))
    return [_wanted(entry) for entry in entries]


def _problems(place: int, entry: Any) -> list[str]:
    at = f"instances[{place}]"
    if not isinstance(entry, dict):
        return [f"{at} has to be entries such as name and element"]
    said = [f"{at}.{name} is not known" for name in entry if name not in KINDS]
    said += [f"{at}.{name} is missing" for name in ("name", "element") if not entry.get(name)]
    said += [
        f"{at}.{name} has to be {WORDS[kind]}"
        for name, kind in KINDS.items()
        if name in entry and not isinstance(entry[name], kind)
    ]
    return said or [*_of_lists(at, entry), *_of_values(at, entry)]


def _of_lists(at: str, entry: Mapping[str, Any]) -> list[str]:
    tags, shares = entry.get("tags", []), entry.get("shares", [])
    said = [] if all(isinstance(tag, str) for tag in tags) else [f"{at}.tags has to be texts"]
    for place, share in enumerate(shares):
        of = f"{at}.shares[{place}]"
        if not isinstance(share, dict) or not set(share) <= SHARE or "level" not in share:
            said.append(f"{of} has person or team, level, and maybe until")
        elif bool(share.get("person")) == bool(share.get("team")):
            said.append(f"{of} has to name a person or a team")
        elif not _is_day(share.get("until", date.min)):
            said.append(f"{of}.until has to be a day such as 2027-01-31")
        elif not all(isinstance(share[name], str) for name in share if name != "until"):
            said.append(f"{of} has to be texts")
    return said


def _is_day(value: Any) -> bool:
    """Whether it is one, as YAML reads it or in quotes."""
    try:
        date.fromisoformat(str(value))
    except ValueError:
        return False
    return True


def _of_values(at: str, entry: Mapping[str, Any]) -> list[str]:
    values = entry.get("configuration", {})
    return [
        f"{at}.configuration.{key} has to be a text in quotes, or true or false"
        for key, value in values.items()
        if not isinstance(key, str) or not isinstance(value, str | bool)
    ]


def _twice(entries: list[dict[str, Any]]) -> list[str]:
    names = [entry.get("id") or entry["name"] for entry in entries]
    return [f"{name} is there twice" for name in sorted(set(names)) if names.count(name) > 1]


def _wanted(entry: dict[str, Any]) -> Wanted:
    shares = [
        {name: str(value) for name, value in share.items()} for share in entry.get("shares", [])
    ]
    return Wanted(**{**entry, "shares": shares})


def reference(value: str | bool) -> re.Match[str] | None:
    """Return what a value refers to, if it stands for one that is elsewhere."""
    return REFERENCE.fullmatch(value) if isinstance(value, str) else None


def resolved(wanted: Wanted) -> dict[str, str | bool]:
    """
    Return the configuration with what its references stand for.

    :raises NotDoneError: one stands for nothing.
    """
    given = wanted.configuration or {}
    return {key: _value(f"{key} of {wanted.name}", value) for key, value in given.items()}


def _value(what: str, value: str | bool) -> str | bool:
    found = reference(value)
    if found is None:
        return value
    kind, place = found.groups()
    text = {"env": _from_environment, "file": _from_file, "prompt": _from_person}[kind](what, place)
    if not text:
        raise NotDoneError(Exit.USAGE, f"{what} is empty: nothing is in {kind}:{place}.")
    return text


def _from_environment(_what: str, name: str) -> str:
    return os.environ.get(name, "")


def _from_file(what: str, path: str) -> str:
    try:
        return read_bytes(Path(path)).decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise NotDoneError(Exit.USAGE, f"{what}: {path} is not UTF-8.") from None


def _from_person(what: str, _place: str) -> str:
    if not sys.stdin.isatty():
        raise NotDoneError(Exit.USAGE, f"{what} is to be typed, and nobody is there to type it.")
    return getpass.getpass(plain(f"{what} (not shown): "))

"""A request as people really have it: read the guide's instance.json, and say what was repaired."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

from django.db.models import Model

from instances.models import Instance, InstanceTag

CURLY = "“”„‟"
QUOTES = CURLY + '"'
# No-break and zero-width characters, which mail programs and web pages leave behind.
BLANKS = re.compile(r"[\u00a0\u2007\u202f\u200b\u2060\ufeff]")
PLACEHOLDER = re.compile(r"<INSERT_[A-Z0-9_]*>")
ENTRIES_IN_ORDER = ("element", "name", "tags", "configuration")
OWN_TAG = "ced-"


class InstanceFileError(ValueError):
    """The file is no instance request; `problems` says why, in sentences without any value."""

    def __init__(self, *problems: str) -> None:
        self.problems = list(problems)
        super().__init__(" ".join(problems))


@dataclass(frozen=True)
class InstanceRequest:
    """What the file asks for, checked for its form; what is required is not checked here."""

    element_key: str
    name: str
    tags: list[str]
    configuration: dict[str, str | bool] = field(repr=False)


def read_instance_file(text: str) -> tuple[InstanceRequest, list[str]]:
    """
    Return what `text` asks for, and one sentence for each thing that had to be repaired.

    Repaired are comments, curly quotes around names and values, no-break spaces between them, a
    byte order mark and trailing commas: what the guide's own example and word processors bring.

    :raises InstanceFileError: it cannot be read, or something in it has no meaning.
    """
    repaired, repairs = _repair(text)
    return _request(_parse(repaired)), repairs


def request_of(document: dict[str, Any]) -> InstanceRequest:
    """
    Return what a document asks for that needs no repair.

    :raises InstanceFileError: something in it has no meaning.
    """
    return _request(document)


def problems_of(name: str | None, tags: list[str] | None) -> list[tuple[str, str]]:
    """Return what is wrong with the name and the tags, those that are given, each with its entry."""
    found = [] if name is None else _text_problems("name", name, _length(Instance, "name"))
    wrong = [] if tags is None else _tag_problems(tags)
    return [*(("name", text) for text in found), *(("tags", text) for text in wrong)]


def _repair(text: str) -> tuple[str, list[str]]:
    repairs: dict[str, int] = {}
    pieces: list[str] = []
    line = 1
    for kind, piece in _tokens(text):
        pieces.append(_repaired(kind, piece))
        if kind in REPAIRS:
            repairs.setdefault(REPAIRS[kind], line)
        line += piece.count("\n")
    return "".join(pieces), [f"{what} (line {line})." for what, line in repairs.items()]


REPAIRS = {
    "mark": "Left out the byte order mark",
    "comment": "Left out a comment",
    "curly": "Read curly quotes as straight ones",
    "blank": "Read a no-break space as a space",
    "comma": "Left out a comma that nothing follows",
}


def _repaired(kind: str, piece: str) -> str:
    match kind:
        case "mark" | "comma":
            return ""
        case "comment" | "blank":
            return " " + "\n" * piece.count("\n")
        case "curly":
            return _straight(piece)
        case _:
            return piece


def _straight(string: str) -> str:
    inside = re.sub(r'(?<!\\)((?:\\\\)*)"', r'\1\\"', string[1:-1])
    return f'"{inside}"'


# What may follow the end of a string; a quote before anything else belongs to the string.
AFTER = r"(?=[\s\u00a0\u2007\u202f\u200b\u2060\ufeff]*(?:[:,}\]]|//|/\*|\Z))"
GAP = r"(?:[\s\u00a0\u2007\u202f\u200b\u2060\ufeff]|//[^\n]*|/\*.*?\*/)*"
TOKEN = re.compile(
    rf"""
      (?P<mark>\A\ufeff)
    | (?P<string>"(?:[^"\\{CURLY}\n]|\\.)*" | "(?:[^"\\\n]|\\.)*"{AFTER})
    | (?P<curly>[{QUOTES}](?:[^\\\n]|\\.)*?[{QUOTES}]{AFTER})
    | (?P<comment>//[^\n]*|/\*.*?\*/)
    | (?P<blank>{BLANKS.pattern})
    | (?P<comma>,(?={GAP}[}}\]]))
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    for match in TOKEN.finditer(text):
        yield str(match.lastgroup), match[0]


def _parse(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text, object_pairs_hook=_no_repetition, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise InstanceFileError(
            f"The file is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None
    except (RecursionError, ValueError) as error:
        if isinstance(error, InstanceFileError):
            raise
        raise InstanceFileError("The file is not JSON that can be read.") from None
    if not isinstance(document, dict):
        raise InstanceFileError("The file must hold one JSON object: { … }.")
    return document


def _no_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise InstanceFileError(f"Given twice: {', '.join(repeated)}.")
    return dict(pairs)


def _refuse(constant: str) -> NoReturn:
    raise InstanceFileError(f"{constant} is not a value of JSON.")


def _request(document: dict[str, Any]) -> InstanceRequest:
    element, name, tags, configuration = (document.get(entry) for entry in ENTRIES_IN_ORDER)
    element_key = element.get("key") if isinstance(element, dict) else None
    problems = [
        *_unknown(document, ENTRIES_IN_ORDER, ""),
        *_unknown(element, ("key",), "element."),
        *_text_problems("element.key", element_key, _length(Instance, "element_key")),
        *_text_problems("name", name, _length(Instance, "name")),
        *_tag_problems(tags),
        *_configuration_problems(configuration),
        *_unfilled(document),
    ]
    if problems:
        raise InstanceFileError(*problems)
    return InstanceRequest(
        str(element_key), str(name), list(dict.fromkeys(tags or [])), _entries(configuration)
    )


def _entries(configuration: Any) -> dict[str, str | bool]:
    """The platform's values are texts and switches; a number is sent as its text, null not at all."""
    return {
        key: value if isinstance(value, bool) else str(value)
        for key, value in (configuration or {}).items()
        if value is not None
    }


def _length(model: type[Model], name: str) -> int:
    return int(getattr(model._meta.get_field(name), "max_length", 0))


def _unknown(part: Any, known: tuple[str, ...], prefix: str) -> list[str]:
    names = sorted(set(part) - set(known)) if isinstance(part, dict) else []
    listed = ", ".join(f"{prefix}{name}" for name in names)
    return [f"Not known here, so it would not be sent: {listed}."] if names else []


def _text_problems(name: str, value: Any, length: int) -> list[str]:
    if value is None or value == "":
        return [f"Missing: {name}."]
    if not isinstance(value, str):
        return [f"{name} must be a text in quotes."]
    if not value.strip():
        return [f"Missing: {name}."]
    if len(value) > length:
        return [f"{name} has more than {length} characters."]
    return [] if _can_be_stored(value) else [f"{name} contains a character that cannot be stored."]


def _tag_problems(tags: Any) -> list[str]:
    if tags is None:
        return []
    if not isinstance(tags, list):
        return ['tags must be a list of texts: ["…"].']
    problems = []
    for number, tag in enumerate(tags, 1):
        problems += _text_problems(f"tag {number}", tag, _length(InstanceTag, "name"))
        if isinstance(tag, str) and tag.lower().startswith(OWN_TAG):
            problems.append(f"Tag {number} looks like a tag of Elementdesk's own; choose another.")
    return problems


def _configuration_problems(configuration: Any) -> list[str]:
    if configuration is None:
        return []
    if not isinstance(configuration, dict):
        return ["configuration must be an object: { … }."]
    return [
        f"configuration: {key} must be a text, a number, true or false."
        for key, value in configuration.items()
        if not (value is None or isinstance(value, str | bool | int | float))
        or not _can_be_stored(f"{key}{value}")
    ]


def _can_be_stored(text: str) -> bool:
    """No database takes NUL, and half of a surrogate pair is no character."""
    return "\0" not in text and not re.search(r"[\ud800-\udfff]", text)


def _unfilled(document: dict[str, Any]) -> list[str]:
    text = json.dumps(document, ensure_ascii=False)
    names = list(dict.fromkeys(PLACEHOLDER.findall(text)))
    return [f"Still to be filled in: {', '.join(names)}."] if names else []

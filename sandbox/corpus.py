"""Answers no client should believe: the bodies and the wires of the "garbage" fault, by kind."""

import gzip
import json
from collections.abc import Callable
from typing import Any

from sandbox.messages import Response

Document = dict[str, Any]

ABSENT = object()


def _with(**fields: object) -> Callable[[Document], bytes]:
    """Make a body builder that changes fields of the true answer, or leaves them out."""

    def build(document: Document) -> bytes:
        changed = document | fields
        kept = {key: value for key, value in changed.items() if value is not ABSENT}
        return json.dumps(kept).encode()

    return build


def _token(value: object) -> Callable[[Document], bytes]:
    return _with(token=value)


def _raw(text: str) -> Callable[[Document], bytes]:
    return lambda document: text.encode()


def _around(build: Callable[[str], str]) -> Callable[[Document], bytes]:
    return lambda document: build(json.dumps(document)).encode()


def _literal(key: str, literal: str) -> Callable[[Document], bytes]:
    """Put a literal that Python's json would not write, such as 5,000 digits, behind a key."""
    marker = json.dumps("\N{BLACK SQUARE}literal")

    def build(document: Document) -> bytes:
        text = json.dumps(document | {key: "\N{BLACK SQUARE}literal"})
        return text.replace(marker, literal).encode()

    return build


BODIES: dict[str, Callable[[Document], bytes]] = {
    "invalid json": _raw("{'id': 1, token: }"),
    "cut json": _around(lambda text: text[: len(text) // 2]),
    "html": _raw("<!doctype html><html><body><h1>Service temporarily odd</h1></body></html>"),
    "empty": _raw(""),
    "whitespace": _raw(" \r\n\t "),
    "null": _raw("null"),
    "true": _raw("true"),
    "number": _raw("42"),
    "string": _raw('"created"'),
    "array": _raw("[]"),
    "instance in array": _around(lambda text: f"[{text}]"),
    "instance nested": _around(lambda text: f'{{"instance":{text}}}'),
    "empty object": _raw("{}"),
    "error body": _raw('{"requestId":"0123456789abcdef01234567","message":"Nothing went wrong"}'),
    "byte order mark": _around(lambda text: "\ufeff" + text),
    "utf-16": lambda document: json.dumps(document).encode("utf-16"),
    "not utf-8": lambda document: json.dumps(document).encode() + b'\xff\xfe"',
    "trailing comma": _around(lambda text: text[:-1] + ",}"),
    "trailing words": _around(lambda text: text + " and so on"),
    "two documents": _around(lambda text: text + text),
    "comment": _around(lambda text: "// created\n" + text),
    "missing id": _with(id=ABSENT),
    "id null": _with(id=None),
    "id true": _with(id=True),
    "id string": _with(id="1234"),
    "id word": _with(id="twelve"),
    "id empty": _with(id=""),
    "id float": _with(id=12.5),
    "id whole float": _with(id=1234.0),
    "id negative": _with(id=-5),
    "id zero": _with(id=0),
    "id huge": _with(id=10**30),
    "id 5000 digits": _literal("id", "9" * 5000),
    "id nan": _literal("id", "NaN"),
    "id infinity": _literal("id", "Infinity"),
    "id exponent": _literal("id", "1e400"),
    "id array": _with(id=[1]),
    "id object": _with(id={"value": 1}),
    "id path": _with(id="../../organizations/me"),
    "missing token": _token(ABSENT),
    "token null": _token(None),
    "token empty": _token(""),
    "token number": _token(42),
    "token true": _token(True),
    "token array": _token(["a"]),
    "token object": _token({"value": "a"}),
    "token newline": _token("abc\r\nX-Injected: 1"),
    "token nul": _token("abc\x00def"),
    "token blank": _token("   "),
    "token comma": _token("abc, User other"),
    "token not ascii": _token("tökén☃"),
    "token surrogate": _token("abc\ud800"),
    "token masked": _token("********"),
    "token huge": _token("a" * 10_000_000),
    "missing element": _with(element=ABSENT),
    "element null": _with(element=None),
    "element string": _with(element="zuorav2"),
    "other element": _with(element={"key": "someoneelse", "id": 1}),
    "missing name": _with(name=ABSENT),
    "name null": _with(name=None),
    "name number": _with(name=7),
    "name object": _with(name={"first": "a"}),
    "tags null": _with(tags=None),
    "tags string": _with(tags="a,b"),
    "tags objects": _with(tags=[{"id": 12, "name": "a"}]),
    "tags numbers": _with(tags=[1, None, []]),
    "configuration null": _with(configuration=None),
    "configuration array": _with(configuration=[["a", "b"]]),
    "configuration numbers": _with(configuration={"zuorav2.sandbox": True, "port": 22}),
    "date odd": _with(createdDate="yesterday"),
    "valid string": _with(valid="true"),
}


def _head(*lines: str) -> bytes:
    return "\r\n".join(("HTTP/1.1 200 OK", *lines, "Connection: close", "", "")).encode()


JSON_LINE = "Content-Type: application/json;charset=UTF-8"


def _wire(*lines: str, body: Callable[[bytes], bytes] = lambda body: body) -> Callable[..., bytes]:
    def build(response: Response) -> bytes:
        length = len(response.body)
        head = [line.replace("LENGTH", str(length)) for line in lines]
        return _head(*head) + body(response.body)

    return build


def _chunk(body: bytes) -> bytes:
    return f"{len(body):x}\r\n".encode() + body + b"\r\n"


LENGTH_LINE = "Content-Length: LENGTH"
CHUNKED_LINE = "Transfer-Encoding: chunked"

WIRES: dict[str, Callable[[Response], bytes]] = {
    "wrong content type": _wire("Content-Type: text/html", LENGTH_LINE),
    "no content type": _wire(LENGTH_LINE),
    "odd content type": _wire("Content-Type: ;;=,", LENGTH_LINE),
    "unknown charset": _wire("Content-Type: application/json;charset=klingon-8", LENGTH_LINE),
    "truncated body": _wire(JSON_LINE, LENGTH_LINE, body=lambda body: body[: len(body) // 2]),
    "length too long": _wire(JSON_LINE, "Content-Length: 1LENGTH"),
    "length too short": _wire(JSON_LINE, "Content-Length: 10"),
    "length negative": _wire(JSON_LINE, "Content-Length: -1"),
    "length a word": _wire(JSON_LINE, "Content-Length: many"),
    "two lengths": _wire(JSON_LINE, LENGTH_LINE, "Content-Length: 3"),
    "broken chunks": _wire(JSON_LINE, CHUNKED_LINE, body=lambda body: b"zz\r\n" + body),
    "chunk too short": _wire(JSON_LINE, CHUNKED_LINE, body=lambda body: b"fffff\r\n" + body),
    "no last chunk": _wire(JSON_LINE, CHUNKED_LINE, body=_chunk),
    "bad gzip": _wire(JSON_LINE, "Content-Encoding: gzip", LENGTH_LINE),
    "cut gzip": _wire(
        JSON_LINE, "Content-Encoding: gzip", body=lambda body: gzip.compress(body)[:-12]
    ),
    "unknown encoding": _wire(JSON_LINE, "Content-Encoding: rot13", LENGTH_LINE),
    "header without colon": _wire("this is no header", JSON_LINE, LENGTH_LINE),
    "header not ascii": _wire("X-Odd: \N{SNOWMAN}", JSON_LINE, LENGTH_LINE),
    "header huge": _wire("X-Huge: " + "h" * 200_000, JSON_LINE, LENGTH_LINE),
    "headers many": _wire(*[f"X-{n}: {n}" for n in range(1000)], JSON_LINE, LENGTH_LINE),
    "head cut": lambda response: b"HTTP/1.1 200 OK\r\nContent-Type: appl",
    "garbage status line": lambda response: b"HTTP/9.9 OK maybe 200\r\n\r\n" + response.body,
    "status word": lambda response: b"HTTP/1.1 two hundred\r\n\r\n" + response.body,
    "no status line": lambda response: response.body,
    "nul bytes": lambda response: b"\0" * 512,
    "other protocol": lambda response: b"SSH-2.0-OpenSSH_9.6\r\n",
}

KINDS = (*BODIES, *WIRES)

"""HTTP/1.1 on the wire: read a request from a stream, turn a response into bytes."""

import asyncio
import http
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

HEAD_LIMIT = 64 * 1024
BODY_LIMIT = 32 * 1024 * 1024

JSON_TYPE = "application/json;charset=UTF-8"


class BadMessageError(Exception):
    """The bytes are no request this server can read; the connection ends after the answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass
class Request:
    """One request as it was received: header names keep their spelling, the body its bytes."""

    method: str
    target: str
    version: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    @cached_property
    def path(self) -> str:
        return urlsplit(self.target).path

    @cached_property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    @cached_property
    def _lowered(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers}

    def header(self, name: str, default: str = "") -> str:
        return self._lowered.get(name.lower(), default)

    def argument(self, name: str) -> str | None:
        """Give the last value of a query parameter, or None."""
        return dict(self.query).get(name)

    def segments(self, prefix: str) -> list[str]:
        """Split the path behind a prefix; each part is unescaped after the split."""
        return [unquote(part) for part in self.path.removeprefix(prefix).split("/") if part]

    @property
    def keeps_alive(self) -> bool:
        wish = self.header("connection").lower()
        return "keep-alive" in wish if self.version == "HTTP/1.0" else "close" not in wish


@dataclass
class Response:
    """One answer; `headers` excludes the framing, which is added when it is put into bytes."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON_TYPE

    def head(self, *, keep_alive: bool, length: int | None = None) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {reason(self.status)}"]
        if self.body or length:
            lines.append(f"Content-Type: {self.content_type}")
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines.append(f"Content-Length: {len(self.body) if length is None else length}")
        lines.append(f"Connection: {'keep-alive' if keep_alive else 'close'}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")

    def as_bytes(self, *, keep_alive: bool) -> bytes:
        return self.head(keep_alive=keep_alive) + self.body


def json_response(
    document: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Put a document into an answer, in the compact form the platform uses."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return Response(status, body.encode("utf-8", "surrogatepass"), dict(headers or {}))


def reason(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


async def read_request(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Request | None:
    """
    Read one request, or give None when the client closed instead.

    :raises BadMessageError: the head or the framing cannot be understood, or a limit is passed.
    """
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError:
        raise BadMessageError(431, "Request head too large") from None
    request = _parse_head(head)
    if request.header("expect").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    try:
        request.body = await _read_body(reader, request)
    except asyncio.IncompleteReadError:
        return None
    return request


def _parse_head(head: bytes) -> Request:
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadMessageError(400, "Bad request line")
    pairs = [line.partition(":") for line in lines]
    if any(not colon or not name or name != name.strip() for name, colon, _ in pairs):
        raise BadMessageError(400, "Bad header")
    headers = tuple((name, value.strip()) for name, _, value in pairs)
    return Request(words[0], words[1], words[2], headers)


async def _read_body(reader: asyncio.StreamReader, request: Request) -> bytes:
    if request.header("transfer-encoding").lower() == "chunked":
        return await _read_chunks(reader)
    length = request.header("content-length", "0")
    if not length.isdecimal():
        raise BadMessageError(400, "Bad Content-Length")
    if int(length) > BODY_LIMIT:
        raise BadMessageError(413, "Request body too large")
    return await reader.readexactly(int(length))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while size := await _chunk_size(reader):
        if len(body) + size > BODY_LIMIT:
            raise BadMessageError(413, "Request body too large")
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass  # trailers are read and dropped
    return bytes(body)


async def _chunk_size(reader: asyncio.StreamReader) -> int:
    line = await reader.readuntil(b"\r\n")
    try:
        return int(line.split(b";")[0].strip(), 16)
    except ValueError:
        raise BadMessageError(400, "Bad chunk size") from None

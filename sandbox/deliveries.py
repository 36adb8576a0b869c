"""How each fault treats one exchange: what is committed, and what reaches the client."""

import asyncio
import html
import inspect
import json
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

from sandbox import answers, corpus, hostile
from sandbox.exchange import Exchange
from sandbox.faults import BENDS, Fault, UnknownFaultError
from sandbox.messages import Response, json_response, reason

MEGABYTE = 1024 * 1024

Delivery = Callable[..., Awaitable[None]]


async def commit_then_drop(exchange: Exchange, *, reset: bool = False) -> None:
    await exchange.carry_out()
    exchange.drop(reset=reset)


async def drop_before_commit(exchange: Exchange, *, reset: bool = False) -> None:
    exchange.drop(reset=reset)


async def late_commit(
    exchange: Exchange, *, seconds: float | None = 1.0, then: str = "close"
) -> None:
    """Commit after so long (None: when released); meanwhile `then` close, hang or answer 504."""
    exchange.later(exchange, seconds)
    if then == "hang":
        await exchange.until_client_leaves()
    elif then == "504":
        await exchange.send(_html(504))
        return
    exchange.drop()


async def hang(exchange: Exchange, *, seconds: float | None = None, commit: bool = False) -> None:
    if commit:
        await exchange.carry_out()
    await exchange.until_client_leaves(seconds)
    exchange.drop()


async def throttle(
    exchange: Exchange, *, retry_after: Any = None, commit: bool = False, html: bool = False
) -> None:
    response = await _refusal(exchange, 429, "Too many requests", commit=commit, html=html)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    await exchange.send(response)


async def status(
    exchange: Exchange,
    *,
    status: int = 500,
    commit: bool = False,
    html: bool = False,
    message: str = "",
) -> None:
    response = await _refusal(exchange, status, message, commit=commit, html=html)
    if status < 200 or status in (204, 304):
        response.body = b""  # these have none by RFC 9110
    await exchange.send(response)
    if status < 200:
        exchange.drop()  # an interim answer and nothing behind it


async def garbage(exchange: Exchange, *, kind: str = "invalid json", commit: bool = True) -> None:
    """Answer with one of corpus.KINDS, made out of the true answer."""
    true = await exchange.carry_out() if commit else json_response({"id": 1, "token": "t"})
    if kind in corpus.WIRES:
        await exchange.send_and_close(corpus.WIRES[kind](true), 200)
        return
    body = corpus.BODIES[kind](_document(true))
    await exchange.send(answers.stamp(Response(200, body), exchange.request_id))


async def hostile_json(exchange: Exchange, *, kind: str = "nul") -> None:
    """Answer with one of hostile.KINDS, made out of the true answer."""
    true = await exchange.carry_out()
    body = (await asyncio.to_thread(hostile.KINDS[kind], _document(true))).encode()
    await exchange.send(answers.stamp(Response(true.status, body), exchange.request_id))


async def huge(exchange: Exchange, *, megabytes: int = 50) -> None:
    true = await exchange.carry_out()
    opening, closing = true.body[:-1] + b',"padding":"', b'"}'
    length = len(opening) + megabytes * MEGABYTE + len(closing)
    exchange.entry.status = true.status
    await exchange.write(true.head(keep_alive=False, length=length) + opening)
    for _ in range(megabytes):
        await exchange.write(b"h" * MEGABYTE)
    await exchange.send_and_close(closing, true.status)


async def gzip_bomb(exchange: Exchange, *, megabytes: int = 100) -> None:
    true = await exchange.carry_out()
    packed = await asyncio.to_thread(_bomb, true.body[:-1] + b',"padding":"', megabytes)
    bomb = Response(true.status, packed, true.headers | {"Content-Encoding": "gzip"})
    await exchange.send_and_close(bomb.as_bytes(keep_alive=False), true.status)


async def drip(
    exchange: Exchange, *, where: str = "body", interval: float = 1.0, commit: bool = True
) -> None:
    """Send one byte per interval until the client hangs up, in the headers or in the body."""
    true = await exchange.carry_out() if commit else json_response({})
    exchange.entry.status = true.status
    in_body = where == "body"
    head = true.head(keep_alive=False, length=10**9) if in_body else b"HTTP/1.1 200 OK\r\nX-Drip: "
    await exchange.write(head)
    rest = true.body if in_body else b""
    while True:
        byte, rest = rest[:1] or (b" " if in_body else b"d"), rest[1:]
        await exchange.write(byte)
        await exchange.platform.pause(exchange.account, interval)


async def redirect(
    exchange: Exchange, *, status: int = 302, location: str = "self", commit: bool = False
) -> None:
    """Point elsewhere; "self" points at the request's own address, a loop."""
    if commit:
        await exchange.carry_out()
    target = exchange.request.target if location == "self" else location
    await exchange.send(
        answers.stamp(Response(status, headers={"Location": target}), exchange.request_id)
    )


async def list_404_html(exchange: Exchange) -> None:
    await exchange.send(_html(404))


async def list_pages_fail(exchange: Exchange, *, status: int = 500) -> None:
    """Let the first page pass and fail every one behind it."""
    if exchange.request.argument("nextPage") is None:
        await exchange.send(await exchange.carry_out())
        return
    await exchange.send(await _refusal(exchange, status, "", commit=False, html=False))


async def refuse_secrets(exchange: Exchange) -> None:
    await exchange.send(_error(exchange, answers.unauthorized()))


async def refuse_identity(exchange: Exchange) -> None:
    await exchange.send(_error(exchange, answers.forbidden("viewOrganization")))


DELIVERIES: dict[str, Delivery] = {
    "commit then drop": commit_then_drop,
    "drop before commit": drop_before_commit,
    "late commit": late_commit,
    "hang": hang,
    "throttle": throttle,
    "status": status,
    "garbage": garbage,
    "hostile json": hostile_json,
    "huge": huge,
    "gzip bomb": gzip_bomb,
    "drip": drip,
    "redirect": redirect,
    "list 404 html": list_404_html,
    "list pages fail": list_pages_fail,
    "refuse secrets": refuse_secrets,
    "refuse identity": refuse_identity,
}
KINDS = {"garbage": corpus.KINDS, "hostile json": tuple(hostile.KINDS)}


def check(fault: Fault) -> Fault:
    """
    Give the fault back if it exists and takes these options.

    :raises UnknownFaultError: it does not.
    """
    if fault.name in BENDS:
        accepted = BENDS[fault.name]
    elif fault.name in DELIVERIES:
        accepted = set(inspect.signature(DELIVERIES[fault.name]).parameters) - {"exchange"}
    else:
        raise UnknownFaultError(f"No fault is called {fault.name!r}")
    unknown = fault.options.keys() - accepted
    if unknown:
        raise UnknownFaultError(f"Fault {fault.name!r} does not take {sorted(unknown)}")
    kind = fault.options.get("kind")
    if kind is not None and kind not in KINDS[fault.name]:
        raise UnknownFaultError(f"Fault {fault.name!r} has no kind {kind!r}")
    return fault


async def _refusal(
    exchange: Exchange, status: int, message: str, *, commit: bool, html: bool
) -> Response:
    if commit:
        await exchange.carry_out()
    if html:
        return _html(status)
    return _error(exchange, answers.PlatformError(status, message or reason(status)))


def _error(exchange: Exchange, error: answers.PlatformError) -> Response:
    return answers.stamp(error.response(exchange.request_id), exchange.request_id)


def _html(status: int) -> Response:
    """Answer like a proxy that stands before the platform: no JSON, none of its headers."""
    title = html.escape(f"{status} {reason(status)}")
    page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return Response(status, page.encode(), content_type="text/html")


def _document(response: Response) -> dict[str, Any]:
    document = json.loads(response.body) if response.body else {}
    return document if isinstance(document, dict) else {"items": document}


def _bomb(opening: bytes, megabytes: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(opening)]
    parts += [packer.compress(b"0" * MEGABYTE) for _ in range(megabytes)]
    return b"".join([*parts, packer.compress(b'"}'), packer.flush()])

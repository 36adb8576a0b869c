"""The sandbox's own door under /__sandbox__/: accounts, faults, switches, planted instances, ledger."""

import json
import ssl
from collections.abc import Callable
from typing import Any, Protocol

from sandbox import certificates, corpus, deliveries, hostile, planting
from sandbox.accounts import Account
from sandbox.faults import BENDS, Fault, UnknownFaultError
from sandbox.messages import Request, Response, json_response
from sandbox.planting import ControlError
from sandbox.platform import Platform
from sandbox.switches import UnknownSwitchError

PREFIX = "/__sandbox__"

Document = dict[str, Any]


class Server(Protocol):
    """What of the listener can be steered (server.Server)."""

    platform: Platform
    authority: certificates.Authority | None
    context: ssl.SSLContext | None
    connection_faults: list[Fault]
    pending: int

    @property
    def base_url(self) -> str: ...

    def add_connection_fault(self, fault: Fault) -> None: ...


def respond(server: Server, request: Request) -> Response:
    """Answer a control call that came over HTTP."""
    try:
        sent = json.loads(request.body) if request.body else {}
        sent |= {"after": int(request.argument("after") or 0)} if request.query else {}
        return json_response(act(server, request.method, request.segments(PREFIX), sent))
    except (ControlError, UnknownFaultError, UnknownSwitchError, TypeError, ValueError) as exc:
        return json_response({"error": str(exc)}, 400)


def act(server: Server, method: str, path: list[str], sent: Document) -> Any:
    """
    Do one control call and give its answer as a document.

    :raises ControlError: there is no such call, account or instance.
    """
    if path[:1] == ["accounts"] and len(path) > 1:
        account = _account(server, path[1])
        call = _ACCOUNT_CALLS.get((method, "/".join(path[2:3])))
        if call and len(path) <= 4:
            return call(server, account, path[3:], sent)
        plant = planting.CALLS.get((method, "/".join(path[2:3])))
        if plant and len(path) <= 4:
            return plant(server.platform, account, path[3:], sent)
    server_call = _SERVER_CALLS.get((method, "/".join(path)))
    if server_call is None:
        raise ControlError(f"No control call {method} {PREFIX}/{'/'.join(path)}")
    return server_call(server, sent)


def _account(server: Server, number: str) -> Account:
    account = server.platform.accounts.get(int(number) if number.isdecimal() else 0)
    if account is None:
        raise ControlError(f"No account {number}")
    return account


def _index(server: Server, sent: Document) -> Document:
    return {
        "base_url": server.base_url,
        "faults": sorted((*BENDS, *deliveries.DELIVERIES)),
        "garbage": list(corpus.KINDS),
        "hostile json": list(hostile.KINDS),
        "accounts": sorted(server.platform.accounts),
        "pending": server.pending,
    }


def _new_account(server: Server, sent: Document) -> Document:
    return server.platform.add_account().document()


def _ledger(server: Server, sent: Document) -> list[Document]:
    return server.platform.ledger.entries(after=sent.get("after", 0))


def _connections(server: Server, sent: Document) -> list[Document]:
    return server.platform.ledger.connections()


def _add_connection_fault(server: Server, sent: Document) -> Document:
    server.add_connection_fault(Fault(**sent))
    return {}


def _clear_connection_faults(server: Server, sent: Document) -> Document:
    server.connection_faults.clear()
    return {}


def _use_certificate(server: Server, sent: Document) -> Document:
    kind = sent.get("kind", "good")
    if server.authority is None or kind not in certificates.KINDS:
        raise ControlError(f"No certificate {kind!r}, or no TLS here")
    server.context = server.authority.context(kind, newest=sent.get("newest", ""))
    return {}


def _colleague(server: Server, account: Account, rest: list[str], sent: Document) -> Document:
    return server.platform.add_colleague(account).document()


def _read(server: Server, account: Account, rest: list[str], sent: Document) -> Document:
    return account.document()


def _reset(server: Server, account: Account, rest: list[str], sent: Document) -> Document:
    server.platform.reset_secrets(account)
    return account.document()


def _set(server: Server, account: Account, rest: list[str], sent: Document) -> Document:
    account.switches.set(sent)
    server.platform.save_account(account)
    return account.switches.document()


def _add_fault(server: Server, account: Account, rest: list[str], sent: Document) -> Document:
    server.platform.faults[account.id].waiting.append(deliveries.check(Fault(**sent)))
    return {}


def _faults(server: Server, account: Account, rest: list[str], sent: Document) -> list[Document]:
    waiting = server.platform.faults[account.id].waiting
    return [{"name": each.name, "times": each.times, "fired": each.fired} for each in waiting]


def _clear(server: Server, account: Account, rest: list[str], sent: Document) -> Document:
    server.platform.faults[account.id].waiting.clear()
    return {}


def _release(server: Server, account: Account, rest: list[str], sent: Document) -> Document:
    server.platform.release(account)
    return {}


def _entries(server: Server, account: Account, rest: list[str], sent: Document) -> list[Document]:
    return server.platform.ledger.entries(account.id, sent.get("after", 0))


_SERVER_CALLS: dict[tuple[str, str], Callable[[Server, Document], Any]] = {
    ("GET", ""): _index,
    ("POST", "accounts"): _new_account,
    ("GET", "ledger"): _ledger,
    ("GET", "connections"): _connections,
    ("POST", "faults"): _add_connection_fault,
    ("DELETE", "faults"): _clear_connection_faults,
    ("PUT", "certificate"): _use_certificate,
}
_ACCOUNT_CALLS: dict[tuple[str, str], Callable[[Server, Account, list[str], Document], Any]] = {
    ("GET", ""): _read,
    ("POST", "users"): _colleague,
    ("POST", "secrets"): _reset,
    ("PATCH", "switches"): _set,
    ("GET", "faults"): _faults,
    ("POST", "faults"): _add_fault,
    ("DELETE", "faults"): _clear,
    ("POST", "release"): _release,
    ("GET", "ledger"): _entries,
}


def calls() -> list[tuple[str, str]]:
    """List every control call as method and path, for the documentation's test."""
    numbered = {("PATCH", "instances"), ("DELETE", "instances")}
    on_accounts = [
        (
            method,
            f"accounts/{{id}}/{path}".rstrip("/")
            + ("/{iid}" if (method, path) in numbered else ""),
        )
        for method, path in (*_ACCOUNT_CALLS, *planting.CALLS)
    ]
    return [*_SERVER_CALLS, *on_accounts]

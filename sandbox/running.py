"""A sandbox in a test's hands: start it in a thread, or steer one that runs elsewhere."""

import asyncio
import http.client
import json
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from sandbox import control, planting
from sandbox.certificates import Authority
from sandbox.platform import Platform
from sandbox.server import Server
from sandbox.steering import Account, Commit, Document, Entry, Steering

__all__ = ["Account", "Commit", "Entry", "RemoteSandbox", "Sandbox"]

START_TIMEOUT = 10.0


class RemoteSandbox(Steering):
    """A sandbox in another process, steered over HTTP."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self._address = urlsplit(base_url).netloc

    def ask(self, method: str, path: str, sent: Document | None = None) -> Any:
        connection = http.client.HTTPConnection(self._address, timeout=60)
        query = f"?after={sent['after']}" if method == "GET" and sent else ""
        body = json.dumps(sent or {}) if method != "GET" else None
        try:
            connection.request(method, f"{control.PREFIX}/{path}{query}", body)
            answer = connection.getresponse()
            document = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status != 200:
            raise planting.ControlError(document.get("error", str(answer.status)))
        return document


class Sandbox(Steering):
    """A sandbox in a thread of this process, on a free port of the loopback."""

    def __init__(
        self,
        *,
        tls: bool = False,
        certificate: str = "good",
        newest_tls: str = "",
        folder: Path | None = None,
        port: int = 0,
    ) -> None:
        self._authority = Authority() if tls else None
        self._certificate, self._newest = certificate, newest_tls
        self._folder, self._port = folder, port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._stopping: asyncio.Event | None = None

    @property
    def authority_path(self) -> str:
        """Give the PEM file of the sandbox's own certificate authority ("" without TLS)."""
        return str(self._authority.pem) if self._authority else ""

    def start(self) -> Self:
        self._thread.start()
        if not self._started.wait(START_TIMEOUT):
            raise TimeoutError("The sandbox did not start")
        if self._failure:
            raise self._failure
        return self

    def stop(self) -> None:
        if self._stopping and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(START_TIMEOUT)
        if self._authority:
            self._authority.close()

    def ask(self, method: str, path: str, sent: Document | None = None) -> Any:
        parts = [part for part in path.split("/") if part]
        return asyncio.run_coroutine_threadsafe(
            self._act(method, parts, dict(sent or {})), self._loop
        ).result(60)

    async def _act(self, method: str, parts: list[str], sent: Document) -> Any:
        # Through JSON, so that nothing inside is shared with the caller's thread.
        return json.loads(json.dumps(control.act(self._server, method, parts, sent)))

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._main())
        except BaseException as exc:
            self._failure = exc
            self._started.set()
        finally:
            self._loop.close()

    async def _main(self) -> None:
        self._stopping = asyncio.Event()
        self._server = Server(Platform(self._folder), "127.0.0.1", self._port, self._authority)
        if self._authority:
            self._server.context = self._authority.context(self._certificate, newest=self._newest)
        await self._server.start()
        self.base_url = self._server.base_url
        self._started.set()
        await self._stopping.wait()
        await self._server.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

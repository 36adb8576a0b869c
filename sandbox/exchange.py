"""One request and its answer on one connection: carry it out, send, drop, hang."""

import asyncio
import socket
import struct
from collections.abc import Callable

from sandbox import answers, recording, routes
from sandbox.accounts import Account
from sandbox.answers import PlatformError
from sandbox.call import Call
from sandbox.faults import Bends, creates
from sandbox.ledger import Entry
from sandbox.messages import Request, Response
from sandbox.platform import Platform


class Exchange:
    """What a fault has in hand. Whatever it does, the ledger is told."""

    def __init__(
        self,
        platform: Platform,
        limits: routes.Limits,
        request: Request,
        entry: Entry,
        account: Account | None,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        later: Callable[["Exchange", float | None], None],
    ) -> None:
        self.platform, self.limits = platform, limits
        self.request, self.entry, self.account = request, entry, account
        self.reader, self.writer = streams
        self.later = later
        self.bends = Bends()
        self.request_id = answers.new_request_id()
        self.is_over = False

    async def carry_out(self) -> Response:
        """Do what the request asks for, after and before the waits that were asked for."""
        await self.platform.pause(self.account, self.bends.before + self._usual_delay())
        response = self.decide()
        await self.platform.pause(self.account, self.bends.after)
        return response

    def _usual_delay(self) -> float:
        path = self.request.path.removeprefix(routes.BASE)
        if self.account and creates(self.request.method, path):
            return self.account.switches.create_seconds
        return 0.0

    def decide(self) -> Response:
        """Ask the platform; every change is committed when this returns."""
        call = Call(self.platform, self.request, self.entry, self.bends)
        call.address = str((self.writer.get_extra_info("peername") or ("",))[0])
        call.scheme = "https" if self.writer.get_extra_info("sslcontext") else "http"
        try:
            response = routes.respond(call, self.limits)
        except PlatformError as exc:
            response = exc.response(self.request_id)
        recording.note(call, response.status, self.request_id)
        return answers.stamp(response, self.request_id)

    async def send(self, response: Response) -> None:
        """Send a proper answer; the connection stays open if the client wants it so."""
        keep_alive = self.request.keeps_alive
        self.entry.status = response.status
        await self.write(response.as_bytes(keep_alive=keep_alive))
        if not keep_alive:
            self.drop()

    async def send_and_close(self, raw: bytes, status: int | None = None) -> None:
        """Send bytes as they are, then end the connection."""
        self.entry.status = status
        await self.write(raw)
        self.drop()

    async def write(self, raw: bytes) -> None:
        """Write bytes and count them. :raises ConnectionError: the client is gone."""
        if self.client_is_gone:
            raise ConnectionResetError("The client hung up before the answer")
        self.writer.write(raw)
        self.entry.bytes_sent += len(raw)
        await self.writer.drain()

    @property
    def client_is_gone(self) -> bool:
        return self.reader.at_eof() or self.writer.is_closing()

    def drop(self, *, reset: bool = False) -> None:
        """End the connection, politely or with a reset."""
        self.is_over = True
        if reset:
            raw = self.writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.writer.transport.abort()
        else:
            self.writer.close()

    async def until_client_leaves(self, seconds: float | None = None) -> None:
        """Keep silent until the client hangs up, the time is over or the account is released."""
        reading = asyncio.ensure_future(self._read_to_end())
        waiting = asyncio.ensure_future(self.platform.pause(self.account, seconds))
        try:
            await asyncio.wait({reading, waiting}, return_when=asyncio.FIRST_COMPLETED)
            self.entry.hung_up = reading.done()
        finally:
            reading.cancel()
            waiting.cancel()

    async def _read_to_end(self) -> None:
        while await self.reader.read(4096):
            pass

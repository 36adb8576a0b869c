"""The listener: sockets, TLS, one conversation per connection, and what goes wrong before HTTP."""

import asyncio
import contextlib
import ssl
from dataclasses import dataclass

from sandbox import answers, arrival, authorization, control, deliveries, provider, routes
from sandbox.certificates import Authority
from sandbox.exchange import Exchange
from sandbox.faults import Fault, UnknownFaultError
from sandbox.messages import HEAD_LIMIT, BadMessageError, Request, Response, read_request
from sandbox.platform import Platform

CONNECTION_FAULTS = ("close on accept", "reset on accept", "silent", "stall handshake", "greeting")

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Connection:
    """What the ledger keeps of a connection; control calls are not counted."""

    number: int
    fate: str = "closed"
    requests: int = 0


class Server:
    """Serves one platform on one address."""

    def __init__(
        self, platform: Platform, host: str, port: int, authority: Authority | None = None
    ) -> None:
        self.platform = platform
        self.host, self.port = host, port
        self.authority = authority
        self.context: ssl.SSLContext | None = authority.context() if authority else None
        self.connection_faults: list[Fault] = []
        self.pending = 0
        self._limits = routes.Limits()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._listener: asyncio.Server | None = None

    @property
    def base_url(self) -> str:
        scheme = "https" if self.authority else "http"
        return f"{scheme}://{self.host}:{self.port}{routes.BASE}"

    async def start(self) -> None:
        self._listener = await asyncio.start_server(
            self._accept, self.host, self.port, limit=HEAD_LIMIT, backlog=1024
        )
        self.port = self._listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._listener:
            self._listener.close()
        for writer in self._writers:
            writer.transport.abort()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # aborted transports close their sockets one turn later
        self.platform.store.close()

    def add_connection_fault(self, fault: Fault) -> None:
        """Queue a fault that strikes before any request is read. :raises UnknownFaultError: none such."""
        if fault.name not in CONNECTION_FAULTS:
            raise UnknownFaultError(f"No connection fault is called {fault.name!r}")
        self.connection_faults.append(fault)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._keep(asyncio.create_task(self._host((reader, writer))))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _host(self, streams: Streams) -> None:
        """Have one connection from its first byte to its last, and note its fate."""
        connection = Connection(self.platform.ledger.connected())
        writer = streams[1]
        self._writers.add(writer)
        try:
            await self._serve(streams, connection)
        except (ConnectionError, ssl.SSLError, TimeoutError) as exc:
            connection.fate = f"failed: {type(exc).__name__}"
        finally:
            self.platform.ledger.disconnected(
                connection.number, connection.fate, connection.requests
            )
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            self._writers.discard(writer)

    async def _serve(self, streams: Streams, connection: Connection) -> None:
        reader, writer = streams
        fault = self._take_connection_fault()
        if fault:
            connection.fate = fault.name
            await _strike(fault.name, reader, writer)
            return
        if self.context:
            await writer.start_tls(self.context)
        while await self._converse(streams, connection):
            pass

    def _take_connection_fault(self) -> Fault | None:
        if not self.connection_faults:
            return None
        fault = self.connection_faults[0]
        fault.fired += 1
        self.connection_faults = [each for each in self.connection_faults if not each.is_spent]
        return fault

    async def _converse(self, streams: Streams, connection: Connection) -> bool:
        """Read and answer one request; say whether another may follow."""
        reader, writer = streams
        try:
            request = await read_request(reader, writer)
        except BadMessageError as exc:
            refusal = answers.PlatformError(exc.status, str(exc))
            response = refusal.response(answers.new_request_id())
            writer.write(response.as_bytes(keep_alive=False))
            await writer.drain()
            return False
        if request is None:
            return False
        if request.path.startswith(control.PREFIX):
            return await self._send_aside(control.respond(self, request), request, writer)
        if request.path.startswith(provider.PREFIX):
            response = provider.respond(self.platform.grants, self.platform.all_invented, request)
            return await self._send_aside(response, request, writer)
        connection.requests += 1
        return await self._answer(request, streams, connection.number)

    async def _send_aside(
        self, response: Response, request: Request, writer: asyncio.StreamWriter
    ) -> bool:
        """Send what is no answer of the platform, so neither fault nor ledger knows of it."""
        writer.write(response.as_bytes(keep_alive=request.keeps_alive))
        await writer.drain()
        return request.keeps_alive

    async def _answer(self, request: Request, streams: Streams, connection: int) -> bool:
        ledger, came_at = self.platform.ledger, arrival.moment(streams[1])
        path = request.path.removeprefix(routes.BASE)
        parts = authorization.parse(request.header("authorization"))
        account = authorization.guess_account(self.platform, parts)
        number = account.id if account else None
        entry = ledger.open(request, path, number, connection, came_at)
        exchange = Exchange(
            self.platform, self._limits, request, entry, account, streams, self._carry_out_later
        )
        try:
            await self._deliver(exchange, path)
        except ConnectionError:
            entry.hung_up = True
            exchange.drop()
        finally:
            ledger.update(entry, ended=True)
        return not exchange.is_over

    async def _deliver(self, exchange: Exchange, path: str) -> None:
        fault = None
        if exchange.account:
            queue = self.platform.faults[exchange.account.id]
            exchange.bends, fault, struck = queue.take(
                exchange.request.method, path, exchange.entry.tags
            )
            exchange.entry.faults = [each.text for each in struck]
            if struck:
                self.platform.ledger.update(exchange.entry)
        if fault:
            await deliveries.DELIVERIES[fault.name](exchange, **fault.options)
        else:
            await exchange.send(await exchange.carry_out())

    def _carry_out_later(self, exchange: Exchange, seconds: float | None) -> None:
        self.pending += 1
        self._keep(asyncio.create_task(self._late(exchange, seconds)))

    async def _late(self, exchange: Exchange, seconds: float | None) -> None:
        try:
            await self.platform.pause(exchange.account, seconds)
            exchange.decide()
        finally:
            self.pending -= 1


async def _strike(name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if name == "reset on accept":
        writer.transport.abort()
    elif name == "greeting":
        writer.write(b"220 mail.example ESMTP ready\r\n")
        await writer.drain()
    elif name in ("silent", "stall handshake"):
        while await reader.read(4096):
            pass

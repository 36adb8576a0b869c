"""
A platform that costs next to nothing: it answers after a fixed time, and counts.

python -m bench.stand_in PORT SECONDS; the sandbox checks and remembers, which would be measured too.
"""

import argparse
import asyncio
import json
import time
from itertools import count

PREFIX = b"/elements/api-v2"
ACCOUNT = {"id": 4711, "name": "Bench"}
# What the platform's guide shows as the answer to "Create Instance".
ANSWER = {
    "token": "5mrjrU5xQrjNxvV4fEUpYTnyCMQjNpEVTg=",
    "element": {
        "id": 9380,
        "name": "Zuora v2",
        "key": "zuorav2",
        "description": "Add a Zuora v2 Instance to connect your existing account.",
        "image": "https://example.com/elements/provider_zuora.png",
        "active": True,
        "deleted": False,
        "typeOauth": False,
        "hub": "payment",
    },
    "elementId": 9380,
    "provisionInteractions": [],
    "valid": True,
    "disabled": False,
    "maxCacheSize": 0,
    "cacheTimeToLive": 0,
    "cachingEnabled": False,
    "eventsEnabled": False,
    "traceLoggingEnabled": False,
}
CONFIGURATION = {
    "base.url": "https://rest.apisandbox.zuora.com/v1",
    "bulk.query.field_name": "UpdatedDate",
    "event.notification.enabled": "false",
    "filter.response.nulls": "true",
    "password": "********",
    "username": "bench@example.com",
    "zuorav2.sandbox": "true",
}


class Platform:
    """Every instance made, in order, with the moment its request's first byte arrived."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.ids = count(1)
        self.arrived: dict[str, float] = {}
        self.in_flight = self.most_in_flight = 0

    def create(self, body: bytes, moment: float) -> bytes:
        asked = json.loads(body)
        self.arrived[asked["tags"][-1]] = moment
        answer = ANSWER | {
            "id": next(self.ids),
            "name": asked["name"],
            "createdDate": "2026-11-23T08:00:00Z",
            "tags": asked["tags"],
            "configuration": CONFIGURATION,
        }
        return json.dumps(answer).encode()

    def steer(self, asked: dict[str, float]) -> bytes:
        """Take a new latency, say what was counted, and forget it."""
        told = {
            "made": len(self.arrived),
            "arrived": self.arrived,
            "most_in_flight": self.most_in_flight,
        }
        self.arrived, self.most_in_flight = {}, 0
        self.seconds = asked.get("seconds", self.seconds)
        return json.dumps(told).encode()


class Conversation(asyncio.Protocol):
    """One connection: a request at a time, the connection kept unless asked to close it."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._received = b""
        self._began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._began = self._began or time.time()
        self._received += data
        head, end, rest = self._received.partition(b"\r\n\r\n")
        if end and len(rest) >= _length(head):
            began, self._received, self._began = self._began, b"", 0.0
            self._answer(head, rest, began)

    def _answer(self, head: bytes, body: bytes, began: float) -> None:
        platform, path = self._platform, head.split(b" ", 2)[1]
        stays = b"connection: close" not in head.lower()
        if path == PREFIX + b"/instances":
            platform.in_flight += 1
            platform.most_in_flight = max(platform.most_in_flight, platform.in_flight)
            text = platform.create(body, began)
            asyncio.get_running_loop().call_later(platform.seconds, self._finish, text, stays)
        elif path == PREFIX + b"/organizations/me":
            self._send(json.dumps(ACCOUNT).encode(), stays)
        elif path == b"/bench":
            self._send(platform.steer(json.loads(body)), stays)
        else:
            self._transport.close()

    def _finish(self, text: bytes, stays: bool) -> None:
        self._platform.in_flight -= 1
        self._send(text, stays)

    def _send(self, text: bytes, stays: bool) -> None:
        how = b"" if stays else b"Connection: close\r\n"
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n"
        self._transport.write(head % (how, len(text)) + text)
        if not stays:
            self._transport.close()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    return 0


async def serve(port: int, seconds: float) -> None:
    """Answer on the loopback until the process is ended."""
    platform = Platform(seconds)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Conversation(platform), "127.0.0.1", port, backlog=1024
    )
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("seconds", type=float)
    chosen = parser.parse_args()
    asyncio.run(serve(chosen.port, chosen.seconds))

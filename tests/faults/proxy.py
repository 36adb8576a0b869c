"""A proxy for TCP: it resets connections, lets them go dead unnoticed, holds what passes, or is slow."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

HOST = "127.0.0.1"
OUT, BACK = WAYS = ("out", "back")
RESET = struct.pack("ii", 1, 0)


@dataclass
class Link:
    """One connection and its continuation; nothing passes once it is dead."""

    near: socket.socket
    far: socket.socket
    is_dead: threading.Event = field(default_factory=threading.Event)

    def pump(self, source: socket.socket, target: socket.socket, hold: Callable[[], None]) -> None:
        """Pass on what comes until either end closes; a dead one still takes, and says nothing."""
        with suppress(OSError):
            while read := source.recv(65536):
                hold()
                if not self.is_dead.is_set():
                    target.sendall(read)
        if not self.is_dead.is_set():
            for end in (self.near, self.far):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """End it as a firewall does that forgot it."""
        for end in (self.near, self.far):
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                end.shutdown(socket.SHUT_RD)
                end.close()


class Proxy:
    """Listens on a port, a free one if none is given, until it is closed."""

    def __init__(self, target: int, port: int = 0) -> None:
        self._target = target
        self._links: list[Link] = []
        self._open = {way: threading.Event() for way in WAYS}
        self.mend()
        # How often something waited for the way to be open, and how long what passes takes.
        self.held = 0
        self.delay: Callable[[], float] = float
        self._listener = socket.create_server((HOST, port))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()

    def reset(self) -> int:
        """Reset every connection; return how many those were."""
        links, self._links = self._links, []
        for link in links:
            link.reset()
        return len(links)

    def cut(self, ways: Iterable[str]) -> None:
        """Hold what goes these ways, as a network that comes back later: nothing of it is lost."""
        for way in ways:
            self._open[way].clear()

    def mend(self) -> None:
        """Let everything pass that was held."""
        for way in self._open.values():
            way.set()

    def _hold(self, way: str) -> None:
        time.sleep(self.delay())
        self.held += not self._open[way].is_set()
        self._open[way].wait()

    def deaden(self) -> int:
        """Let nothing pass any more on the connections there are; return how many those are."""
        for link in self._links:
            link.is_dead.set()
        return len(self._links)

    def close(self) -> None:
        self._listener.close()
        self.reset()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                try:
                    link = Link(near, socket.create_connection((HOST, self._target)))
                except OSError:
                    near.close()
                    continue
                self._links.append(link)
                ends = ((link.near, link.far), (link.far, link.near))
                for way, (source, target) in zip(WAYS, ends, strict=True):
                    passing = (source, target, partial(self._hold, way))
                    threading.Thread(target=link.pump, args=passing, daemon=True).start()

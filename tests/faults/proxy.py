"""A proxy for TCP in front of the broker: it resets connections, or lets them go dead unnoticed."""

import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass, field

HOST = "127.0.0.1"
RESET = struct.pack("ii", 1, 0)


@dataclass
class Link:
    """One connection and its continuation; nothing passes once it is dead."""

    near: socket.socket
    far: socket.socket
    is_dead: threading.Event = field(default_factory=threading.Event)

    def pump(self, source: socket.socket, target: socket.socket) -> None:
        """Pass on what comes until either end closes; a dead one still takes, and says nothing."""
        with suppress(OSError):
            while read := source.recv(65536):
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
    """Listens on a free port until it is closed."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._links: list[Link] = []
        self._listener = socket.create_server((HOST, 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()

    def reset(self) -> int:
        """Reset every connection; return how many those were."""
        links, self._links = self._links, []
        for link in links:
            link.reset()
        return len(links)

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
                for ends in ((link.near, link.far), (link.far, link.near)):
                    threading.Thread(target=link.pump, args=ends, daemon=True).start()

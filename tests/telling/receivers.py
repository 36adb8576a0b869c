"""A mail server and a receiver of webhooks on the loopback, each as friendly or hostile as a test wants."""

import socketserver
import threading
from collections.abc import Callable
from contextlib import suppress
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import cast


class _Session(socketserver.StreamRequestHandler):
    server: "MailServer"

    def handle(self) -> None:
        with suppress(OSError):
            self._answer("220 receiver")
            while line := self.rfile.readline():
                verb = line[:4].upper()
                if verb == b"QUIT":
                    self._answer("221 bye")
                    return
                if verb == b"DATA":
                    self._take()
                elif verb == b"RCPT" and self.server.refuses:
                    self._answer("550 nobody here")
                else:
                    self._answer("250 so be it")

    def _take(self) -> None:
        self._answer("354 go on")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        self.server.taken.append(b"".join(lines))
        if self.server.drops:
            # It has the letter, and never says so.
            self.connection.close()
            return
        self._answer("250 taken")

    def _answer(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


class MailServer(socketserver.ThreadingTCPServer):
    """Takes letters; `refuses` every recipient, or `drops` the line after it has a letter."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), cast("Callable[..., _Session]", _Session))
        self.taken: list[bytes] = []
        self.refuses = self.drops = False
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def letters(self) -> list[EmailMessage]:
        """What came, read as mail programs do."""
        return [message_from_bytes(raw, policy=policy.default) for raw in self.taken]

    def close(self) -> None:
        self.shutdown()
        self.server_close()


def text_of(letter: EmailMessage, kind: str = "plain") -> str:
    """Return one of the two bodies."""
    body = letter.get_body((kind,))
    assert body is not None
    return str(body.get_content())

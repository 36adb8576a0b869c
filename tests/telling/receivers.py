"""A mail server and a receiver of webhooks on the loopback, each as friendly or hostile as a test wants."""

import http.server
import json
import socketserver
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, cast


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


@dataclass
class Taken:
    """One message as it came."""

    path: str
    headers: dict[str, str]
    body: str

    @property
    def document(self) -> dict[str, Any]:
        """The body, read."""
        read: dict[str, Any] = json.loads(self.body)
        return read


class _Post(http.server.BaseHTTPRequestHandler):
    server: "Receiver"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.taken.append(Taken(self.path, dict(self.headers), body))
        with suppress(OSError):
            self.server.answers.get(self.server.mood, _Post.agree)(self)

    def agree(self) -> None:
        self._say(self.server.status, self.server.text.encode())

    def redirect(self) -> None:
        self.send_response(307)
        self.send_header("Location", f"http://127.0.0.1:{self.server.port}/elsewhere")
        self.end_headers()

    def go_on_and_on(self) -> None:
        self._say(200, b"x" * 2**20)

    def say_nothing(self) -> None:
        time.sleep(3)

    def drop(self) -> None:
        self.connection.close()

    def _say(self, status: int, text: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_args: object) -> None:
        """Keep quiet."""


class Receiver(http.server.ThreadingHTTPServer):
    """Takes messages of webhooks; in a bad mood it redirects, goes on, says nothing or drops the line."""

    daemon_threads = True
    answers = {
        "redirect": _Post.redirect,
        "endless": _Post.go_on_and_on,
        "slow": _Post.say_nothing,
        "drop": _Post.drop,
    }

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Post)
        self.taken: list[Taken] = []
        self.mood, self.status, self.text = "", 200, "thanks"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def close(self) -> None:
        self.shutdown()
        self.server_close()

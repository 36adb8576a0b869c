"""A person with a browser's manners over plain HTTP, whose every answer is written down."""

import html
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from tests.leaks.planted import Planted
from tests.leaks.shown_once import shown_in

SESSION = ("__Host-sessionid", "sessionid")
CSRF = ("__Host-csrftoken", "csrftoken")
DEVICE = ("__Secure-device", "device")
OWN = re.compile(r"((?:__Host-|__Secure-)?(?:sessionid|csrftoken|device)=)[^;]*")
REVEAL = "/token/reveal/"
SECOND, CONFIRM = "/sign-in/second/", "/sign-in/confirm/"


class Record:
    """The pages and headers of a run, and how often each status came."""

    def __init__(self, folder: Path, planted: Planted) -> None:
        self.bodies, self.headers = folder / "bodies", folder / "headers"
        self.planted = planted
        self.statuses: Counter[int] = Counter()
        # What gives the next code of somebody's app, and what they have on paper.
        self.apps: dict[str, Callable[[], str]] = {}
        self.papers: dict[str, list[str]] = {}
        self.revealed = 0
        self.complaints: list[str] = []

    def keep(self, answer: requests.Response, address: str, shown_back: str = "") -> None:
        """
        Write an answer of `address` down; leave out what was asked for, if nobody stores it.

        What is `shown_back` may stand in the page once: in the field into which it was typed.
        """
        self.statuses[answer.status_code] += 1
        with self.headers.open("ab") as file:
            file.write(OWN.sub(r"\1own", str(answer.headers)).encode())
        is_revealed = REVEAL in answer.url and answer.request.method == "POST" and answer.ok
        if is_revealed and not answer.history and answer.status_code == 200:
            self._check_revealed(answer)
            return
        content = self._without_shown(answer, address)
        with self.bodies.open("ab") as file:
            field = f'value="{html.escape(shown_back)}"'.encode() if shown_back else b"\0"
            content = content.replace(field, b"value", 1)
            # Without the query: a provider's return has a code there, which is the visitor's own.
            path = answer.url.partition("?")[0]
            file.write(f"\n\n{answer.request.method} {path}\n".encode() + content)

    def _without_shown(self, answer: requests.Response, address: str) -> bytes:
        """Plant what is shown this once, and take it out where it stands, once."""
        content = answer.content
        for name, value in shown_in(answer, address):
            self.planted.note(name, value.replace(" ", ""))
            self.planted.note(name, value)
            self._check_revealed(answer)
            for form in (value, html.escape(value)):
                content = content.replace(form.encode(), b"shown", 1)
        return content

    def _check_revealed(self, answer: requests.Response) -> None:
        self.revealed += 1
        if "no-store" not in answer.headers.get("Cache-Control", ""):
            self.complaints.append(f"{answer.url} may be stored")


class Visitor:
    """One person, or with a header a program; follows no redirect by itself."""

    def __init__(
        self, address: str, authority: Path, record: Record, headers: dict[str, str] | None = None
    ) -> None:
        self.address, self.record, self.headers = address, record, headers or {}
        self.username = self.password = ""
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.verify = str(authority)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self._send("GET", path, **options)

    def post(self, path: str, **fields: str) -> requests.Response:
        """Send a form as one of ours, with the proof that it is."""
        return self.forge(path, csrfmiddlewaretoken=self.form_proof(), **fields)

    def forge(self, path: str, **fields: str) -> requests.Response:
        """Send a form without that proof."""
        return self._send("POST", path, data=fields)

    def submit(self, path: str, fields: dict[str, str], allowed: str) -> requests.Response:
        """Send a form, or as a program JSON, by the first method of `allowed` that changes something."""
        if not self.headers:
            return self.post(path, **fields)
        methods = [each for each in allowed.split(", ") if each in ("POST", "PATCH", "DELETE")]
        return self._send((methods or ["POST"])[0], path, json=fields)

    def send_many(
        self, path: str, fields: dict[str, str], name: str, values: list[str]
    ) -> requests.Response:
        """Send a form in which one field is given several times."""
        proof = {"csrfmiddlewaretoken": self.form_proof()}
        return self._send("POST", path, data={**fields, **proof, name: values})

    def send(self, path: str, **options: Any) -> requests.Response:
        """Post anything."""
        return self._send("POST", path, **options)

    def sign_in(self, username: str, password: str) -> requests.Response:
        """Fetch the form, and send it; show a code where one is asked for."""
        answer = self.send_password(username, password)
        if answer.headers.get("Location", "").startswith(SECOND):
            return self.post(SECOND, code=self.record.apps[username]())
        return answer

    def send_password(self, username: str, password: str) -> requests.Response:
        """Fetch the form, and send it."""
        self.username, self.password = username, password
        self.get("/sign-in/")
        return self.post("/sign-in/", username=username, password=password)

    def confirm(self) -> requests.Response:
        """Show once more who it is."""
        self._send_once("GET", CONFIRM)
        fields = {"csrfmiddlewaretoken": self.form_proof(), "password": self.password}
        return self._send_once("POST", CONFIRM, data=fields)

    def misplace(self, password: str) -> requests.Response:
        """Sign in with a password where the user name belongs."""
        self.get("/sign-in/")
        fields = {"csrfmiddlewaretoken": self.form_proof(), "username": password, "password": "x"}
        return self._send("POST", "/sign-in/", shown_back=password, data=fields)

    @property
    def is_signed_in(self) -> bool:
        return self.get("/account/").status_code == 200

    def _send(
        self, method: str, path: str, shown_back: str = "", **options: Any
    ) -> requests.Response:
        """Send it; where it is asked first who it is, show that, and send it again as a person does."""
        answer = self._send_once(method, path, shown_back, **options)
        if answer.headers.get("Location", "").startswith(CONFIRM):
            self.confirm()
            return self._send_once(method, path, shown_back, **options)
        return answer

    def _send_once(
        self, method: str, path: str, shown_back: str = "", **options: Any
    ) -> requests.Response:
        # A connection of its own: one whose last form was refused unread is closed under us.
        headers = {"Referer": self.address + path, "Connection": "close"}
        headers |= self.headers | options.pop("headers", {})
        try:
            answer = self._http.request(
                method,
                self.address + path,
                headers=headers,
                allow_redirects=False,
                timeout=60,
                **options,
            )
        except requests.ConnectionError:
            # Django's own server fails before it has read the form, and resets the connection.
            answer = requests.Response()
            answer.status_code = 500
            return answer
        self.record.planted.note("session cookie", self._cookie(SESSION))
        self.record.planted.note("form cookie", self._cookie(CSRF))
        self.record.planted.note("device cookie", self._cookie(DEVICE))
        self.record.keep(answer, self.address, shown_back)
        return answer

    def form_proof(self) -> str:
        """Return what proves that a form is one of ours."""
        return self._cookie(CSRF)

    def _cookie(self, names: tuple[str, ...]) -> str:
        return next((c.value or "" for c in self._http.cookies if c.name in names), "")

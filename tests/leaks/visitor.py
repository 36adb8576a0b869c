"""A person with a browser's manners over plain HTTP, whose every answer is written down."""

import html
import re
from collections import Counter
from pathlib import Path
from typing import Any

import requests

from tests.leaks.planted import Planted

SESSION = ("__Host-sessionid", "sessionid")
CSRF = ("__Host-csrftoken", "csrftoken")
OWN = re.compile(r"((?:__Host-)?(?:sessionid|csrftoken)=)[^;]*")
REVEAL = "/token/reveal/"
# What a webhook signs with is shown once, to who has just made it.
SIGNS = re.compile(r"whsec_[\w-]{43}")


class Record:
    """The pages and headers of a run, and how often each status came."""

    def __init__(self, folder: Path, planted: Planted) -> None:
        self.bodies, self.headers = folder / "bodies", folder / "headers"
        self.planted = planted
        self.statuses: Counter[int] = Counter()
        self.reached: set[str] = set()
        self.revealed = 0
        self.complaints: list[str] = []

    def keep(self, answer: requests.Response, shown_back: str = "") -> None:
        """
        Write an answer down; leave out a token that was asked for, if nobody stores it.

        What is `shown_back` may stand in the page once: in the field into which it was typed.
        """
        self.statuses[answer.status_code] += 1
        with self.headers.open("ab") as file:
            file.write(OWN.sub(r"\1own", str(answer.headers)).encode())
        is_revealed = REVEAL in answer.url and answer.request.method == "POST" and answer.ok
        if is_revealed and not answer.history and answer.status_code == 200:
            self._check_revealed(answer)
            return
        if answer.request.method == "POST" and (signing := SIGNS.search(answer.text)):
            self.planted.note("webhook secret", signing[0])
            self._check_revealed(answer)
            return
        with self.bodies.open("ab") as file:
            field = f'value="{html.escape(shown_back)}"'.encode() if shown_back else b"\0"
            content = answer.content.replace(field, b"value", 1)
            # Without the query: a provider's return has a code there, which is the visitor's own.
            path = answer.url.partition("?")[0]
            file.write(f"\n\n{answer.request.method} {path}\n".encode() + content)

    def _check_revealed(self, answer: requests.Response) -> None:
        self.revealed += 1
        if "no-store" not in answer.headers.get("Cache-Control", ""):
            self.complaints.append(f"{answer.url} may be stored")


class Visitor:
    """One person; follows no redirect by itself."""

    def __init__(self, address: str, authority: Path, record: Record) -> None:
        self.address, self.record = address, record
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
        """Fetch the form, and send it."""
        self.get("/sign-in/")
        return self.post("/sign-in/", username=username, password=password)

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
        # A connection of its own: one whose last form was refused unread is closed under us.
        headers = {"Referer": self.address + path, "Connection": "close"}
        headers |= options.pop("headers", {})
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
        self.record.keep(answer, shown_back)
        return answer

    def form_proof(self) -> str:
        """Return what proves that a form is one of ours."""
        return self._cookie(CSRF)

    def _cookie(self, names: tuple[str, ...]) -> str:
        return next((c.value or "" for c in self._http.cookies if c.name in names), "")

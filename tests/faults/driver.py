"""A person in a browser, as far as HTTP goes: signs in, opens the form, sends it, sends it again."""

import re
import threading
import time
import uuid
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from uuid import UUID

import requests

from sandbox.running import Account

PASSWORD = "a password of the campaign"
HIDDEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
REQUEST_ID = re.compile(r'name="client_request_id" value="([^"]+)"')
PLACE = re.compile(r"/instances/([0-9a-f-]{36})/$")
PERSISTENCE = 120.0


class NotAcceptedError(Exception):
    """The server answered, and did not take the request; the text says how it answered."""


@dataclass(frozen=True)
class Accepted:
    """A request that the server said it has taken."""

    request_id: UUID
    instance_id: UUID
    organization_id: UUID


@dataclass
class Wish:
    """What is typed into the form."""

    organization_id: UUID
    account: Account
    name: str = "Campaign"
    request_id: UUID = field(default_factory=uuid.uuid4)
    is_provider_right: bool = True

    def fields(self) -> dict[str, str]:
        """Return the form's fields, but for those that the page itself brings."""
        credentials = self.account.sandbox
        return {
            "organization": str(self.organization_id),
            "name": self.name,
            "is_sandbox": "on",
            "authentication_type": "basic",
            "username": credentials.username,
            "password": credentials.password if self.is_provider_right else "not the password",
            "tags": "campaign",
            "client_request_id": str(self.request_id),
        }


class Driver:
    """Submits over HTTP, as many at once as it has threads, and remembers what was accepted."""

    def __init__(self, web_url: str, username: str, threads: int = 8) -> None:
        self._url, self._username = web_url, username
        self._own = threading.local()
        # Tries of one name at the same time count against each other.
        self._signing_in = threading.Lock()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="driver")
        # Seconds for which one request waits for its answer.
        self.patience = 40.0
        self.errors: list[str] = []
        self.statuses: dict[int, int] = {}

    def submit_many(self, wishes: list[Wish]) -> list[Accepted]:
        """Submit all, and return each as it was accepted."""
        return list(self._pool.map(self.submit, wishes))

    def submit_later(self, wish: Wish) -> Future[Accepted]:
        """Submit as soon as a thread is free."""
        return self._pool.submit(self.submit, wish)

    def submit(self, wish: Wish) -> Accepted:
        """
        Send the form until the server has taken it, always with the same hidden id.

        :raises NotAcceptedError: it did not within two minutes.
        """
        end = time.monotonic() + PERSISTENCE
        said = ""
        while time.monotonic() < end:
            try:
                return self.submit_once(wish)
            except (requests.RequestException, NotAcceptedError) as error:
                said = str(error)
                self.forget()
                time.sleep(0.3)
        raise NotAcceptedError(said)

    def submit_once(self, wish: Wish) -> Accepted:
        """
        Send the form once.

        :raises requests.RequestException: no answer came.
        :raises NotAcceptedError: the answer is not where an accepted form leads.
        """
        session, token = self._signed_in()
        fields = {"csrfmiddlewaretoken": token, **wish.fields()}
        answer = self._send(session, "POST", "/instances/new/", fields)
        place = PLACE.search(answer.headers.get("Location", ""))
        if answer.status_code != 302 or place is None:
            raise NotAcceptedError(f"{answer.status_code} {answer.headers.get('Location', '')}")
        return Accepted(wish.request_id, UUID(place[1]), wish.organization_id)

    def get(self, path: str) -> requests.Response:
        """Open a page."""
        session, _token = self._signed_in()
        return self._send(session, "GET", path)

    def post(self, path: str, **fields: str) -> requests.Response:
        """Press a button of a page."""
        session, token = self._signed_in()
        return self._send(session, "POST", path, {"csrfmiddlewaretoken": token, **fields})

    def forget(self) -> None:
        """Sign in anew before this thread's next page."""
        self._own.session = None

    def _signed_in(self) -> tuple[requests.Session, str]:
        if getattr(self._own, "session", None) is None:
            with self._signing_in:
                self._own.session, self._own.token = self._sign_in()
        return self._own.session, self._own.token

    def _sign_in(self) -> tuple[requests.Session, str]:
        session = _browser()
        page = self._send(session, "GET", "/sign-in/")
        fields = {"csrfmiddlewaretoken": _hidden(page), "username": self._username}
        answer = self._send(session, "POST", "/sign-in/", fields | {"password": PASSWORD})
        if answer.status_code != 302:
            raise NotAcceptedError(f"sign in: {answer.status_code}")
        form = self._send(session, "GET", "/instances/new/")
        if not REQUEST_ID.search(form.text):
            raise NotAcceptedError("the form has no hidden id")
        return session, _hidden(form)

    def _send(
        self,
        session: requests.Session,
        method: str,
        path: str,
        fields: dict[str, str] | None = None,
    ) -> requests.Response:
        # By hand, since nobody else returns a secure cookie over plain http.
        cookies = "; ".join(f"{name}={value}" for name, value in session.cookies.items())
        answer = session.request(
            method,
            self._url + path,
            data=fields,
            headers={"Cookie": cookies} if cookies else {},
            timeout=self.patience,
            allow_redirects=False,
        )
        self.statuses[answer.status_code] = self.statuses.get(answer.status_code, 0) + 1
        if answer.status_code == 500:
            self.errors.append(f"{method} {path} at {time.time():.3f}")
        return answer


def _browser() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    # The proxy in front of the product speaks TLS; here its header says so.
    session.headers.update(
        {"X-Forwarded-Proto": "https", "Referer": "https://127.0.0.1/", "Host": "127.0.0.1"}
    )
    return session


def _hidden(page: requests.Response) -> str:
    found = HIDDEN.search(page.text)
    if found is None:
        raise NotAcceptedError(f"no form on the page, status {page.status_code}")
    return found[1]

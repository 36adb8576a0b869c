"""A real browser on a real server, with a real worker behind it."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.workers import Worker, empty_broker

# The browser's driver runs an event loop in this thread; the tests read rows in between.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
PASSWORD = "a long enough password of the tests"
expect.set_options(timeout=15_000)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Debian's Chromium, silent on a closed network."""
    if not CHROMIUM:
        pytest.skip("no Chromium: install one, on Debian with `apt-get install chromium`")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    quiet += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    return {"executable_path": CHROMIUM, "args": quiet}


@pytest.fixture
def worker(transactional_db: None, account: object, tmp_path: Path) -> Iterator[Worker]:
    """A worker process on the test's database and broker."""
    empty_broker()
    # Long enough for a page to be seen while its call is under way.
    running = Worker(tmp_path, ELEMENTDESK_CALL_SECONDS="8", ELEMENTDESK_LEASE_SECONDS="12")
    yield running
    running.stop()


class Visitor:
    """One person's browser window; it notes every violation of the content security policy."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.complaints: list[str] = []
        page.set_default_timeout(15_000)
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _listen(self, message: ConsoleMessage) -> None:
        # A refused answer, and a request that ended because its page was left, are no violation.
        is_network = message.text.startswith(("Failed to load resource", "htmx:afterRequest"))
        is_network |= message.text.startswith(("htmx:sendError", "htmx:sendAbort"))
        if message.type in ("error", "warning") and not is_network:
            self.complaints.append(message.text)

    def visit(self, path: str) -> None:
        self.page.goto(self.address + path)

    def be(self, user: User) -> None:
        """Have the cookie of somebody who is signed in."""
        client, name = Client(), settings.SESSION_COOKIE_NAME
        client.force_login(user)
        self.page.context.add_cookies(
            [{"name": name, "value": client.cookies[name].value, "url": self.address}]
        )

    def sign_in(self, username: str) -> None:
        """Be signed in already, and see the instances; how to get there is `sign_in_by_form`'s."""
        self.be(User.objects.get_by_natural_key(username))
        self.visit("/instances/")

    def sign_in_by_form(self, username: str) -> None:
        """Sign in as a person does, and see the instances."""
        self.visit("/sign-in/")
        self.page.get_by_label("Username").fill(username)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.get_by_role("heading", name="Overview", level=1)).to_be_visible()
        self.visit("/instances/")

    def accessibility_violations(self) -> list[str]:
        """What axe finds on the present page, in short, once all of it has arrived."""
        self.page.wait_for_load_state()
        found = Axe().run(self.page).response["violations"]
        return [f"{rule['id']}: {rule['nodes'][0]['html'][:150]}" for rule in found]

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        width: int = self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return width


@pytest.fixture
def visitor(browser: Browser, live_server: LiveServer) -> Iterator[Callable[..., Visitor]]:
    """Open a window of its own for a person; nothing may complain in any of them."""
    opened: list[tuple[BrowserContext, Visitor]] = []

    def open_window(**options: Any) -> Visitor:
        context = browser.new_context(permissions=["clipboard-read", "clipboard-write"], **options)
        opened.append((context, Visitor(context.new_page(), live_server.url)))
        return opened[-1][1]

    yield open_window
    for context, window in opened:
        context.close()
        assert window.complaints == []


@pytest.fixture
def with_password() -> Callable[[User], User]:
    """Give a person a password to sign in with."""

    def give(user: User) -> User:
        user.set_password(PASSWORD)
        user.save()
        return user

    return give

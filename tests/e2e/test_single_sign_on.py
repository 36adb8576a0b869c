"""Single sign-on in a real browser, with a provider that is a process of its own."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect
from pytest_django import Settings

from instances.models import ExternalIdentity
from tests.e2e.conftest import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NORA = {"sub": "nora-7", "email": "nora@example.org", "email_verified": True}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """A provider that knows Nora."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "-p", str(port)]
    claims = json.dumps(NORA | {"preferred_username": "nora"})
    with subprocess.Popen([*command, "--user-claims", claims]) as process:
        wait_for(port)
        yield f"http://127.0.0.1:{port}"
        process.terminate()


def wait_for(port: int) -> None:
    """Wait until it listens."""
    end = time.monotonic() + 60
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=2).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def test_nora_signs_in_with_her_provider(
    visitor: Callable[..., Visitor], issuer: str, settings: Settings
) -> None:
    given = {"ISSUER": issuer, "CLIENT_ID": "desk", "CLIENT_SECRET": "s", "NAME": "Example"}
    settings.OIDC = settings.OIDC | given | {"MAKES_PEOPLE": True, "DOMAINS": "example.org"}
    window = visitor()
    page = window.page
    window.visit("/account/")
    assert window.accessibility_violations() == []
    page.get_by_role("link", name="Sign in with Example").click()
    page.get_by_role("button", name="nora-7").click()
    expect(page.get_by_role("heading", name="Account", level=1)).to_be_visible()
    expect(page.get_by_text("Connected as nora@example.org")).to_be_visible()
    assert window.accessibility_violations() == []
    assert User.objects.get().username == "nora"
    assert ExternalIdentity.objects.get().subject == "nora-7"

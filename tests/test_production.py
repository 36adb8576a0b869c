"""The settings of production: what browsers are told with every answer, and whom forged requests fool."""

import base64
import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.production import FORGED_HEADERS, FORGED_HOSTS, HOST

# What each answer carries. With cookies that are secure these make the grade A+ of MDN's Observatory.
EVERYWHERE = {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains; preload",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
POLICY = {
    "default-src 'none'",
    "object-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
}


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    """What a process with production's settings answers."""
    key = base64.b64encode(b"p" * 32).decode()
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DEBUG": "false",
        "SECRET_KEY": "of-this-test-only",
        "ALLOWED_HOSTS": HOST,
        "CSRF_TRUSTED_ORIGINS": f"https://{HOST}",
        "BEHIND_PROXY": "true",
        "SECURE_SSL_REDIRECT": "true",
        "DATABASE_URL": "sqlite://:memory:",
        "ELEMENTDESK_KEYRING": json.dumps({"primary": "p1", "keys": {"p1": key}}),
        "ELEMENTDESK_KEYRING_FILE": "",
        "ELEMENTDESK_OIDC_ISSUER": "",
    }
    command = [sys.executable, "-m", "tests.production"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@pytest.mark.parametrize("what", ["page", "file", "api", "live", "missing", "start"])
def test_every_answer_carries_the_headers_that_guard_it(answers: dict[str, Any], what: str) -> None:
    headers = answers[what]["headers"]
    assert {name: headers.get(name) for name in EVERYWHERE} == EVERYWHERE
    assert set(headers["Content-Security-Policy"].split("; ")) == POLICY


@pytest.mark.parametrize("what", ["page", "file", "api"])
def test_nobody_elsewhere_may_read_an_answer(answers: dict[str, Any], what: str) -> None:
    assert "Access-Control-Allow-Origin" not in answers[what]["headers"]


def test_pages_are_kept_nowhere(answers: dict[str, Any]) -> None:
    assert answers["page"]["status"] == 200
    assert answers["page"]["headers"]["Cache-Control"] == "no-store"


def test_cookies_are_for_this_host_alone(answers: dict[str, Any]) -> None:
    (name, cookie), *others = answers["page"]["cookies"].items()
    assert not others
    assert name == "__Host-csrftoken"
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert answers["device"].startswith("__Secure-")


def test_pages_lead_to_https_and_programs_are_refused(answers: dict[str, Any]) -> None:
    assert answers["plain"]["headers"]["Location"] == f"https://{HOST}/sign-in/"
    assert answers["plain api"]["status"] == 403


@pytest.mark.parametrize("host", FORGED_HOSTS)
def test_a_forged_host_is_refused_and_named_nowhere(answers: dict[str, Any], host: str) -> None:
    told = answers["forged hosts"][host]
    assert {one["status"] for one in told} == {400}
    assert not any(one["names evil"] for one in told)


@pytest.mark.parametrize("header", FORGED_HEADERS)
def test_a_forged_header_changes_nothing(answers: dict[str, Any], header: str) -> None:
    page, start = answers["forged headers"][header]
    assert (page["status"], start["status"]) == (200, 302)
    assert start["headers"]["Location"] == "/sign-in/?next=/"
    assert not page["names evil"]
    assert not start["names evil"]

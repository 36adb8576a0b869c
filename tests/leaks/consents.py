"""Consents of every fate: what providers send back is planted, and must be nowhere afterwards."""

import re
import uuid
from html import unescape
from urllib.parse import parse_qs, urlsplit

import requests

from tests.leaks.journey import UUID, Journey, until
from tests.leaks.visitor import Visitor

ADDRESS = "https://desk.example"
CALLBACK = "/oauth/callback/"
# What of a return opens something; the rest names things.
SECRET_PARTS = ("code", "oauth_verifier")


def consent(journey: Journey, visitor: Visitor, stranger: Visitor) -> None:
    """Have instances allowed, denied, lost and slipped in; and one from a refresh token."""
    until(lambda: visitor.get(_form(journey, "quickbooks")).status_code == 200)
    for key in ("sfdc", "quickbooks"):
        instance = _ask(journey, visitor, key)
        back = _decide(journey, _leave(journey, visitor, instance))
        assert _come_back(stranger, back).endswith("/foreign/")
        assert instance in _come_back(visitor, back)
        journey.wait(visitor, instance, "active")
        assert instance in _come_back(visitor, back)
    made_up = journey.planted.word("made-up code")
    assert _come_back(visitor, f"{CALLBACK}?code={made_up}&state=made-up").endswith("/unknown/")
    _lose(journey, visitor)
    token = journey.planted.secret("refresh token")
    refreshed = _ask(journey, visitor, "sfdc", refresh_token=token)
    journey.wait(visitor, refreshed, "active")
    for made in journey.account.instances():
        for name in ("oauth.user.token", "oauth.user.refresh_token"):
            journey.planted.note(name, made["configuration"].get(name) or "")


def _lose(journey: Journey, visitor: Visitor) -> None:
    """Let a code's request be lost, so that the person is asked again."""
    instance = _ask(journey, visitor, "sfdc")
    back = _decide(journey, _leave(journey, visitor, instance))
    journey.account.fault("drop before commit")
    _come_back(visitor, back)
    until(lambda: "works only once" in visitor.get(f"/instances/{instance}/").text)


def _form(journey: Journey, key: str) -> str:
    return f"/organizations/{journey.organization}/elements/of/{key}/new/"


def _ask(journey: Journey, visitor: Visitor, key: str, **more: str) -> str:
    secret = journey.planted.secret(f"api secret {len(journey.instances)}")
    typed = {
        "name": f"Consent {len(journey.instances)}",
        "entry.oauth.api.key": "application",
        "entry.oauth.api.secret": secret,
        "client_request_id": str(uuid.uuid4()),
    }
    answer = visitor.post(_form(journey, key), **typed, **more)
    assert answer.status_code == 302, answer.text
    found = UUID.search(answer.headers["Location"])
    assert found
    journey.instances.append(found[0])
    return found[0]


def _leave(journey: Journey, visitor: Visitor, instance: str) -> str:
    journey.wait(visitor, instance, "blocked")
    return visitor.get(f"/instances/{instance}/consent/").headers["Location"]


def _decide(journey: Journey, address: str) -> str:
    """Allow it at the provider; take note of what comes back, and return the way back."""
    page = requests.get(address, timeout=20).text
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page)
    fields = {unescape(name): unescape(value) for name, value in found} | {"answer": "allow"}
    sent = requests.post(address.partition("?")[0], fields, allow_redirects=False, timeout=20)
    back = sent.headers["Location"].removeprefix(ADDRESS)
    told = parse_qs(urlsplit(back).query)
    for name in SECRET_PARTS:
        journey.planted.note(name, told.get(name, [""])[0])
    return back


def _come_back(visitor: Visitor, back: str) -> str:
    answer = visitor.get(back)
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    return str(answer.headers["Location"])

"""The form of any element: what it asks for, what it sends, and what it never shows: where its tests begin."""

import uuid

import pytest
from pytest_django import Settings

from instances.models import Element, Organization
from tests.ceremonies import ADDRESS, offer
from tests.element_forms.typed import Typed


@pytest.fixture(autouse=True)
def known_address(settings: Settings) -> None:
    settings.OAUTH = {"ADDRESS": ADDRESS, "CONSENT_SECONDS": 1800.0}


@pytest.fixture
def sfdc(organization: Organization) -> Element:
    return offer(organization, "sfdc", "oauth2")


@pytest.fixture
def mailings(organization: Organization) -> Element:
    return offer(organization, "mailings", "oauth2")


@pytest.fixture
def typed() -> Typed:
    """What a browser sends."""
    return {
        "name": "Sales",
        "environment": "sandbox",
        "tags": "sales, emea",
        "entry.oauth.api.key": "client-of-ours",
        "entry.oauth.api.secret": "its-long-secret",
        "client_request_id": str(uuid.uuid4()),
    }


@pytest.fixture
def ledgers(organization: Organization) -> Element:
    """An element with every type of entry."""
    return offer(organization, "ledgers", "custom")


@pytest.fixture
def booked(typed: Typed) -> Typed:
    """What a browser sends for it, with all that it requires."""
    plain = {name: text for name, text in typed.items() if not name.startswith("entry.")}
    return plain | {
        "entry.ledgers.code": "EU-7",
        "entry.ledgers.pass.phrase": "open sesame 42",
        "entry.ledgers.certificate": "-----BEGIN-----\r\nabc\r\n-----END-----\r\n",
        "entry.ledgers.currency": "EUR",
        "entry.ledgers.readonly": "true",
    }

"""Somebody consents at a provider: the way there, the way back, and what the code is used for: where its tests begin."""

from collections.abc import Callable

import pytest
from pytest_django import Settings

from instances.models import (
    Instance,
    Organization,
)
from tests.ceremonies import ADDRESS, offer, work
from tests.consents.steps import APPLICATION, Ask


@pytest.fixture(autouse=True)
def known_address(settings: Settings) -> None:
    settings.OAUTH = {"ADDRESS": ADDRESS, "CONSENT_SECONDS": 1800.0}


@pytest.fixture
def asked(ask: Ask) -> Callable[..., Instance]:
    """Ask for an instance of Salesforce, and let a worker find out where to consent."""

    def request(key: str = "sfdc", authentication: str = "oauth2", **more: object) -> Instance:
        instance = ask(element_key=key, configuration=APPLICATION | more)
        work()
        return instance

    return request


@pytest.fixture
def sfdc(organization: Organization) -> None:
    offer(organization, "sfdc", "oauth2")


@pytest.fixture
def quickbooks(organization: Organization) -> None:
    offer(organization, "quickbooks", "oauth1")


@pytest.fixture
def waiting(asked: Callable[..., Instance], sfdc: None) -> Instance:
    """An instance of Salesforce that waits for its requester's consent."""
    return asked()

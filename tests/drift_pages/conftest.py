"""An admin sees how instances differ from the platform's list, and says what shall become of it: where its tests begin."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from instances.models import (
    Instance,
    Organization,
    Role,
)
from tests.drift_pages.deeds import Ask, work


@pytest.fixture
def admin(client: Client, member: Callable[..., User]) -> Client:
    """A browser in which an admin of the organization is signed in."""
    client.force_login(member(Role.ADMIN, "admin"))
    return client


@pytest.fixture
def made(ask: Ask) -> Instance:
    """An instance that is ready, and on the platform."""
    instance = ask()
    work()
    instance.refresh_from_db()
    return instance


@pytest.fixture
def address(organization: Organization) -> str:
    return reverse("instances:organization_drift", args=[organization.pk])

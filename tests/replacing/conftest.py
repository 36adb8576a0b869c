"""Secrets are replaced make-before-break: checked first, the old ones used until then; and verified: where its tests begin."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from instances.engine import accounts
from instances.models import (
    Organization,
    Role,
)


@pytest.fixture
def admin(member: Callable[..., User]) -> User:
    return member(Role.ADMIN, "ada")


@pytest.fixture
def known(organization: Organization) -> Organization:
    """The organization, its account known from an earlier call."""
    accounts.identify(organization, accounts.client_for(organization))
    return organization

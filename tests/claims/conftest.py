"""Claims: whose turn it is, how many at once, and that one claim in a batch never harms another: where its tests begin."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User

from instances.engine import calls
from instances.models import (
    Membership,
    Organization,
    Role,
)


@pytest.fixture
def other(organization: Organization, operator: User) -> Organization:
    """Another organization at the same account."""
    Membership.objects.filter(user=operator).update(role=Role.ADMIN)
    fields = {
        field.attname: getattr(organization, field.attname) for field in organization._meta.fields
    }
    copy = Organization(**{**fields, "id": Organization().pk, "name": "Another"})
    copy.save(force_insert=True)
    Membership.objects.create(user=operator, organization=copy, role=Role.OPERATOR)
    return copy


@pytest.fixture
def stopping() -> Iterator[None]:
    """This process is about to end."""
    calls.stop()
    yield
    calls._stopping.clear()

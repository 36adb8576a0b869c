"""A walk through a list renews its lease in time, and not before each of hundreds of calls."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from instances.engine import searching
from instances.engine.claims import lease
from instances.models import Organization, database_now

pytestmark = pytest.mark.django_db(transaction=True)


def due(organization: Organization) -> float:
    """Return in how many seconds it is due."""
    organization.refresh_from_db()
    return (organization.audit_due_at - database_now()).total_seconds()


@pytest.fixture
def search(organization: Organization) -> searching.Search:
    """A search of which half of the lease is over."""
    left = lease() / 2
    Organization.objects.update(audit_due_at=Now() + left)
    return searching.Search(organization, database_now())


def test_a_lease_of_which_some_is_over_begins_anew(
    search: searching.Search, organization: Organization
) -> None:
    search.renewed_at -= lease().total_seconds() / 2
    search.renew()
    assert due(organization) > 0.9 * lease().total_seconds()


def test_a_lease_that_has_just_begun_is_left_alone(
    search: searching.Search, organization: Organization
) -> None:
    search.renew()
    assert due(organization) <= 0.5 * lease().total_seconds()


def test_what_became_due_meanwhile_is_not_put_off(
    search: searching.Search, organization: Organization
) -> None:
    Organization.objects.update(audit_due_at=Now() - timedelta(seconds=1))
    search.renewed_at -= lease().total_seconds()
    search.renew()
    assert due(organization) < 0

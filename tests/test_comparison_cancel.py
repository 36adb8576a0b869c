"""A comparison under way is canceled, and concludes nothing."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from instances import operations
from instances.engine import searching, synchronization
from instances.models import (
    Operation,
    Organization,
    Role,
    Synchronization,
)
from sandbox.running import Account
from tests.cases import synchronize

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def canceling(organization: Organization, account: Account) -> Synchronization:
    """A comparison that a worker has begun and not ended."""
    account.add_crowd(250)
    return Synchronization.objects.create(
        organization=organization, began_at=organization.created_at
    )


def test_a_canceled_comparison_ends_and_concludes_nothing(
    client: Client, canceling: Synchronization, member: Callable[..., User]
) -> None:
    client.force_login(member(Role.ADMIN, "ada"))
    cancel = reverse("instances:comparison_cancel", args=[canceling.organization_id])
    drift = reverse("instances:organization_drift", args=[canceling.organization_id])
    assert "Cancel the comparison" in client.get(drift).content.decode()
    page = client.post(cancel, follow=True).content.decode()
    assert "ends with the page of the list that is being read" in page
    comparison = synchronization.Comparison(canceling.organization, canceling.began_at)
    with pytest.raises(synchronization.CanceledError):
        comparison.take_in([])
    synchronize()
    canceling.refresh_from_db()
    assert (canceling.is_running, canceling.completed_at) == (False, None)
    assert "It was canceled." in client.get(drift).content.decode()
    canceling.organization.refresh_from_db()
    due = canceling.organization.audit_due_at
    assert canceling.ended_at
    assert due > canceling.ended_at
    synchronize()
    canceling.refresh_from_db()
    assert canceling.completed_at


def test_whoever_asks_again_takes_the_cancel_back(
    canceling: Synchronization, member: Callable[..., User]
) -> None:
    ada = member(Role.ADMIN, "ada")
    operations.cancel_comparison(actor=ada, organization=canceling.organization)
    operations.request_audit(actor=ada, organization=canceling.organization)
    searching.run()
    canceling.refresh_from_db()
    assert canceling.completed_at


def test_nothing_is_canceled_where_nothing_runs(
    client: Client, organization: Organization, member: Callable[..., User]
) -> None:
    client.force_login(member(Role.ADMIN, "ada"))
    cancel = reverse("instances:comparison_cancel", args=[organization.pk])
    assert "No comparison is under way" in client.post(cancel, follow=True).content.decode()
    assert not Operation.objects.exists()

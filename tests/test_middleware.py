"""What every request carries."""

import pytest
from django.test import Client, RequestFactory
from pytest_django import Settings

from instances.middleware import caller_address
from instances.models import AuditEntry


@pytest.mark.parametrize(("is_behind", "address"), [(True, "192.0.2.7"), (False, "127.0.0.1")])
def test_forwarded_address_counts_only_behind_our_proxy(
    settings: Settings, is_behind: bool, address: str
) -> None:
    settings.BEHIND_PROXY = is_behind
    request = RequestFactory().get("/", headers={"X-Forwarded-For": "203.0.113.9, 192.0.2.7"})
    assert caller_address(request) == address


def test_no_page_is_kept_in_a_cache(client: Client) -> None:
    answer = client.get("/livez")
    assert answer["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert len(answer["X-Request-ID"]) == 32


@pytest.mark.django_db
def test_nothing_is_recorded_by_looking(client: Client) -> None:
    client.get("/sign-in/")
    assert not AuditEntry.objects.exists()

"""When the catalog is read, and the list that shows it."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from instances import operations
from instances.access import NotAllowedError
from instances.engine import cataloging
from instances.models import CatalogReading, Element, Organization, Role
from sandbox.running import Account
from tests.catalog.reading import asked, element, entry, hostile, poll

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_worker_reads_a_catalog_once(
    account: Account, read: Callable[[], CatalogReading]
) -> None:
    read()
    before = len(account.ledger())
    cataloging.run()
    assert len(account.ledger()) == before


def test_asking_brings_it_forward(organization: Organization, operator: User) -> None:
    assert operations.request_catalog(actor=operator, organization=organization)
    assert not operations.request_catalog(actor=operator, organization=organization)
    cataloging.run()
    assert CatalogReading.objects.get().asked_at is None
    assert operations.request_catalog(actor=operator, organization=organization)


def test_without_a_period_it_is_read_only_when_asked(
    account: Account, organization: Organization
) -> None:
    cataloging.enroll()
    CatalogReading.objects.create(organization=organization)
    cataloging.run()
    assert not account.ledger()


def test_a_viewer_may_not_ask(organization: Organization, member: Callable[..., User]) -> None:
    with pytest.raises(NotAllowedError):
        operations.request_catalog(actor=member(Role.VIEWER), organization=organization)


def test_refused_secrets_are_noted(
    account: Account, organization: Organization, read: Callable[[], CatalogReading]
) -> None:
    account.fault("refuse secrets", times=None)
    read()
    organization.refresh_from_db()
    assert organization.is_refused


def test_the_list_is_searched(
    signed_in: Client, organization: Organization, read: Callable[[], CatalogReading]
) -> None:
    read()
    page = signed_in.get(reverse("instances:elements", args=[organization.pk]), {"q": "zUOra"})
    assert [each.element_key for each in page.context["elements"]] == ["zuorav2"]


def test_a_page_escapes_what_the_platform_says(
    signed_in: Client,
    account: Account,
    organization: Organization,
    read: Callable[[], CatalogReading],
) -> None:
    said = '<<b>script>alert(1)</script>"\u202e'
    hostile(account, name=said, configuration=[entry("a", name=said, description=said)])
    read()
    page = signed_in.get(element("odd").get_absolute_url()).content.decode()
    assert "<script>alert" not in page
    assert "\u202e" not in page


def test_the_list_asks_as_often_for_many_as_for_few(
    signed_in: Client,
    organization: Organization,
) -> None:
    url = reverse("instances:elements", args=[organization.pk])
    with CaptureQueriesContext(connection) as few:
        signed_in.get(url)
    Element.objects.bulk_create(
        Element(
            organization=organization, element_key=f"e{n}", name=f"E{n}", seen_at=timezone.now()
        )
        for n in range(300)
    )
    with CaptureQueriesContext(connection) as many:
        page = signed_in.get(url)
    assert len(many) == len(few)
    assert page.context["has_more"]


def test_the_list_asks_again_only_while_it_is_read(
    signed_in: Client, organization: Organization
) -> None:
    reading = asked(organization)
    page, is_whole = poll(signed_in, organization)
    assert "0 elements so far" in page
    assert 'hx-trigger="every 2s"' in page
    assert not is_whole
    CatalogReading.objects.filter(pk=reading.pk).update(asked_at=None, read_at=timezone.now())
    page, is_whole = poll(signed_in, organization)
    assert "<html" in page
    assert "hx-trigger" not in page
    assert is_whole


def test_the_list_does_not_wait_for_calls_that_are_held_back(
    signed_in: Client, organization: Organization
) -> None:
    asked(organization)
    Organization.objects.update(secrets_refused_at=timezone.now())
    page = signed_in.get(reverse("instances:elements", args=[organization.pk])).content.decode()
    assert "it waits until calls to the platform go on" in page
    assert "hx-trigger" not in page


def test_the_list_is_sorted_as_people_read(
    signed_in: Client, organization: Organization, read: Callable[[], CatalogReading]
) -> None:
    read()
    page = signed_in.get(reverse("instances:elements", args=[organization.pk]))
    names = [each.name for each in page.context["elements"]]
    assert names == sorted(names, key=str.lower)
    assert names != sorted(names)

"""The platform's catalog is read, whatever the platform sends."""

from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta

import pytest
from django.utils import timezone

from instances.cloud_elements.elements import catalog
from instances.engine import accounts
from instances.models import CatalogReading, Element, Organization
from sandbox.running import Account
from tests.catalog.reading import asked_by_all, element, entry, hostile

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_element_is_stored(read: Callable[[], CatalogReading]) -> None:
    reading = read()
    assert Element.objects.count() == 12
    assert reading.read_at is not None
    assert not reading.problem


def test_what_an_element_asks_for_is_stored(read: Callable[[], CatalogReading]) -> None:
    read()
    entries = {each["key"]: each for each in element("zuorav2").asked_for}
    assert (
        entries["clientSecret"] | {"is_required": True, "group": "custom", "kind": "PASSWORD"}
        == (entries["clientSecret"])
    )
    assert "base.url" not in entries


@pytest.mark.parametrize(
    "switched",
    [
        {"required_is_called_mandatory": True},
        {"options_are_texts": True},
        {"defaults_are_typed": True},
        {"element_configuration_supported": False},
    ],
    ids=lambda switched: next(iter(switched)),
)
def test_the_same_is_read_however_the_platform_writes_it(
    account: Account, read: Callable[[], CatalogReading], switched: dict[str, bool]
) -> None:
    read()
    before = asked_by_all()
    account.set(**switched)
    Element.objects.all().delete()
    assert not read().problem
    assert asked_by_all() == before


@pytest.mark.parametrize("by_number", [False, True])
@pytest.mark.parametrize("count", [100, 101])
def test_every_page_is_read_by_token_or_by_number(
    account: Account, organization: Organization, by_number: bool, count: int
) -> None:
    account.set(catalog_paged_by_number=by_number)
    for number in range(count - 12):
        hostile(account, key=f"added{number}")
    client = accounts.client_for(organization, lambda _: nullcontext())
    keys = [each.key for page in catalog(client) for each in page]
    assert len(keys) == len(set(keys)) == count


def test_a_platform_that_ignores_page_numbers_is_not_asked_for_ever(
    account: Account, organization: Organization
) -> None:
    account.set(paging=False)
    for number in range(60):
        hostile(account, key=f"added{number}")
    client = accounts.client_for(organization, lambda _: nullcontext())
    assert [len(page) for page in catalog(client)] == [72]


def test_texts_lose_their_markup(read: Callable[[], CatalogReading]) -> None:
    read()
    assert element("sfdc").description == "Sales automation. Sign up & connect."
    assert "<script" not in element("ledgers").instructions


def test_what_vanished_is_marked_and_comes_back(
    account: Account, organization: Organization, read: Callable[[], CatalogReading]
) -> None:
    past = timezone.now() - timedelta(days=1)
    old = {"organization": organization, "name": "Old", "seen_at": past}
    Element.objects.create(element_key="former", **old)
    Element.objects.create(element_key="zuorav2", gone_at=past, **old)
    read()
    assert element("former").gone_at is not None
    assert element("zuorav2").gone_at is None


def test_nothing_is_concluded_from_a_list_that_broke_off(
    account: Account, organization: Organization, read: Callable[[], CatalogReading]
) -> None:
    past = timezone.now() - timedelta(days=1)
    Element.objects.create(
        organization=organization, element_key="former", name="Former", seen_at=past
    )
    account.fault("status", method="GET", path="/elements", status=500)
    assert read().problem
    assert element("former").gone_at is None


def test_an_unreadable_configuration_spoils_no_other_element(
    account: Account, read: Callable[[], CatalogReading]
) -> None:
    account.fault("status", method="GET", path="/elements/jira", times=None, status=500)
    read()
    assert element("jira").settings is None
    assert element("jira").problem
    assert element("sftp").settings


def test_what_was_read_before_is_kept(account: Account, read: Callable[[], CatalogReading]) -> None:
    read()
    account.fault("status", method="GET", path="/elements/jira", times=None, status=500)
    read()
    assert element("jira").asked_for


def test_ten_thousand_entries_and_options_are_bounded(
    account: Account, read: Callable[[], CatalogReading]
) -> None:
    options = [{"value": str(n), "description": "x"} for n in range(3000)]
    entries = [entry("choice", type="COMBO", options=options, displayOrder=0)]
    entries += [entry(f"e{n}", displayOrder=1) for n in range(4000)]
    hostile(account, configuration=entries)
    read()
    asked = element("odd").asked_for
    assert len(asked) == 300
    assert asked[0]["options"] == [[str(n), "x"] for n in range(500)]

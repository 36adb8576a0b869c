"""The catalog is read as a whole, bounded, and shown; odd elements spoil no others."""

from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from instances import operations
from instances.access import NotAllowedError
from instances.cloud_elements.elements import catalog
from instances.engine import accounts, cataloging
from instances.models import CatalogReading, Element, Organization, Role, database_now
from sandbox.running import Account

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def read(organization: Organization, settings: Settings) -> Callable[[], CatalogReading]:
    """Let a worker read the catalog, now."""
    settings.ENGINE = {**settings.ENGINE, "CATALOG_EVERY": 3600.0}

    def run() -> CatalogReading:
        cataloging.enroll()
        CatalogReading.objects.update(due_at=timezone.now() - timedelta(seconds=1))
        cataloging.run()
        return CatalogReading.objects.get()

    return run


def element(key: str) -> Element:
    return Element.objects.get(element_key=key)


def hostile(account: Account, **changes: object) -> None:
    """Add an element to the account's catalog."""
    account.add_element(**({"key": "odd", "name": "Odd", "hub": "general"} | changes))


def entry(key: str, **changes: object) -> dict[str, object]:
    return {"key": key, "name": key.title(), "type": "TEXTFIELD_128", "required": True} | changes


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


def asked_by_all() -> dict[str, list[dict[str, object]]]:
    """What each element asks for, without the words of its options."""
    found = {each.element_key: each.asked_for for each in Element.objects.all()}
    for entries in found.values():
        for each in entries:
            options = each["options"]
            assert isinstance(options, list)
            each["options"] = [value for value, _ in options]
    return found


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


def asked(organization: Organization) -> CatalogReading:
    """A reading that somebody waits for."""
    now = database_now()
    return CatalogReading.objects.create(organization=organization, asked_at=now, due_at=now)


def poll(browser: Client, organization: Organization) -> tuple[str, bool]:
    """Ask as the open page does; return the answer, and whether it takes the whole page's place."""
    url = reverse("instances:elements", args=[organization.pk])
    answer = browser.get(url, headers={"HX-Request": "true", "HX-Target": "reading"})
    return answer.content.decode(), answer.headers.get("HX-Retarget") == "body"


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

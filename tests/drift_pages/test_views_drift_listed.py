"""What is ignored, adopted, only here, and how the page of differences behaves."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from instances.models import (
    AuditEntry,
    Instance,
    ListedInstance,
    Operation,
    Organization,
    Standing,
    Synchronization,
)
from sandbox.running import Account
from tests.drift_pages.deeds import choose, synchronize, work

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_is_ignored_can_be_shown_again(
    admin: Client, address: str, made: Instance, account: Account
) -> None:
    account.change_instance(made.remote_id or 0, name="Renamed there")
    synchronize()
    assert "Ignored until it changes again: one instance." in choose(admin, address, "ignore")
    assert ListedInstance.objects.get().standing == Standing.IGNORED
    choose(admin, address, "notice", show="ignored")
    assert ListedInstance.objects.get().standing == Standing.CHANGED


def test_adopting_reads_each_and_stores_its_token(
    admin: Client, address: str, organization: Organization, account: Account
) -> None:
    account.add_crowd(30)
    synchronize()
    page = choose(admin, address, "adopt", show="only_there")
    assert "Adoption has started for 30 instances" in page
    work()
    adopted = Instance.objects.filter(status="active", owner__username="admin")
    assert adopted.exclude(token="").count() == 30
    assert AuditEntry.objects.filter(action="instance.adoption_requested").count() == 30
    assert not [entry for entry in account.ledger() if entry.method != "GET"]
    synchronize()
    assert set(ListedInstance.objects.values_list("standing", flat=True)) == {Standing.MATCHES}


def test_adopting_twice_adopts_once(
    admin: Client, address: str, organization: Organization, account: Account
) -> None:
    account.add_instance(element="zuorav2", name="Foreign")
    synchronize()
    rows = [str(ListedInstance.objects.get().pk)]
    for _ in range(2):
        admin.post(f"{address}?show=only_there", {"choice": "adopt", "rows": rows})
    assert Instance.objects.count() == Operation.objects.count() == 1


def test_in_another_account_nothing_is_adopted(
    admin: Client, address: str, organization: Organization, account: Account
) -> None:
    account.add_instance(element="zuorav2", name="Foreign")
    synchronize()
    choose(admin, address, "adopt", show="only_there")
    Operation.objects.update(payload={**Operation.objects.get().payload, "account": "elsewhere"})
    work()
    assert Operation.objects.get().problem == "other-account"
    assert not Instance.objects.get().token


def test_choosing_nothing_is_said_beside_the_form(admin: Client, address: str) -> None:
    response = admin.post(address, {"choice": "accept"})
    assert response.status_code == 422
    assert "Choose at least one instance." in response.content.decode()


def test_lines_of_another_organization_cannot_be_chosen(
    admin: Client, address: str, organization: Organization
) -> None:
    other = Organization.objects.get()
    other.pk, other.name = None, "Other"
    other._state.adding = True
    other.save(force_insert=True)
    line = ListedInstance.objects.create(
        organization=other,
        remote_id=1,
        digest="x",
        standing=Standing.ONLY_THERE,
        first_seen_at=timezone.now(),
        last_seen_at=timezone.now(),
    )
    response = admin.post(address, {"choice": "adopt", "rows": [str(line.pk)]})
    assert response.status_code == 422
    assert not Operation.objects.exists()


def test_what_is_gone_is_shown_as_only_here_and_on_its_pages(
    admin: Client, address: str, made: Instance, account: Account
) -> None:
    account.remove_instance(made.remote_id or 0)
    synchronize()
    assert made.name in admin.get(f"{address}?show=missing").content.decode()
    for tab in ("detail", "token"):
        page = admin.get(reverse(f"instances:{tab}", args=[made.pk])).content.decode()
        assert "Not there any more" in page
        assert "No list ever showed it" in page
        assert f"{reverse('instances:new')}?from={made.pk}" in page


def test_what_is_gone_is_created_again_under_its_own_name(
    admin: Client, address: str, made: Instance, account: Account
) -> None:
    synchronize()
    account.remove_instance(made.remote_id or 0)
    synchronize()
    made.refresh_from_db()
    assert made.last_listed_at
    assert "It was listed last on" in admin.get(made.get_absolute_url()).content.decode()
    form = admin.get(f"{reverse('instances:new')}?from={made.pk}").content.decode()
    assert f'value="{made.name}"' in form


def test_progress_polls_only_while_it_runs(
    admin: Client, address: str, organization: Organization
) -> None:
    synchronize()
    assert 'hx-trigger="every 2s"' not in admin.get(address).content.decode()
    settled = admin.get(address, headers={"HX-Target": "progress"})
    assert settled["HX-Retarget"] == "body"
    Synchronization.objects.update(ended_at=None, listed=50, expected=200)
    part = admin.get(address, headers={"HX-Target": "progress"}).content.decode()
    assert 'hx-trigger="every 2s"' in part
    assert '<progress aria-label="Listed so far" max="200" value="50">' in part
    assert "<html" not in part


def test_a_page_costs_the_same_however_many_lines(
    admin: Client,
    address: str,
    organization: Organization,
    account: Account,
    django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:
    account.add_crowd(120)
    synchronize()
    with django_assert_max_num_queries(17):
        page = admin.get(f"{address}?show=only_there").content.decode()
    assert page.count('name="rows"') == 50


def test_who_asks_for_a_comparison_sees_that_it_begins(
    admin: Client, address: str, organization: Organization
) -> None:
    ask_for_it = reverse("instances:organization_search", args=[organization.pk])
    response = admin.post(ask_for_it, follow=True)
    assert response.redirect_chain == [(address, 302)]
    assert "begins within a few seconds" in response.content.decode()
    assert 'hx-trigger="every 2s"' in response.content.decode()

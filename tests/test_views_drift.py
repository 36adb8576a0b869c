"""An admin sees how instances differ from the platform's list, and says what shall become of it."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from instances.engine import drain, searching
from instances.engine.claims import lease
from instances.models import (
    AuditEntry,
    Instance,
    ListedInstance,
    Operation,
    Organization,
    Role,
    Standing,
    Synchronization,
)
from sandbox.running import Account

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[..., Instance]


def synchronize() -> None:
    Organization.objects.update(audit_due_at=Now())
    searching.run()


def work_once() -> None:
    for operation in Operation.objects.claim(worker="test", limit=50, lease=lease()):
        drain.work_on(operation)


def work() -> None:
    while found := Operation.objects.claim(worker="test", limit=50, lease=lease()):
        for operation in found:
            drain.work_on(operation)


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


def choose(admin: Client, address: str, choice: str, show: str = "changed", **more: str) -> str:
    """Choose all lines of the part, and return the page that follows."""
    rows = [
        str(pk) for pk in ListedInstance.objects.filter(standing=show).values_list("pk", flat=True)
    ]
    form = {"choice": choice, "rows": rows} | more
    response = admin.post(f"{address}?show={show}", form, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def there(account: Account) -> dict[str, object]:
    return account.only_instance()


def test_before_the_first_comparison_the_page_says_so(admin: Client, address: str) -> None:
    assert "has not been compared yet" in admin.get(address).content.decode()


def test_changed_shows_both_sides(
    admin: Client, address: str, made: Instance, account: Account
) -> None:
    account.change_instance(made.remote_id or 0, name="Renamed there")
    synchronize()
    page = admin.get(address).content.decode()
    assert "Renamed there" in page
    assert made.name in page


def test_accepting_theirs_changes_the_row_here_only(
    admin: Client, address: str, made: Instance, account: Account
) -> None:
    account.change_instance(made.remote_id or 0, name="Renamed", tags=["new"], disabled=True)
    synchronize()
    before = len(account.ledger())
    assert "taken over for one instance" in choose(admin, address, "accept")
    made.refresh_from_db()
    assert (made.name, made.tag_names, made.is_disabled) == ("Renamed", ["new"], True)
    assert len(account.ledger()) == before
    entry = AuditEntry.objects.get(action="instance.drift_accepted")
    assert entry.detail == {"differences": ["name", "tags", "disabled"]}


def test_pushing_ours_brings_the_platform_back(
    admin: Client, address: str, made: Instance, account: Account
) -> None:
    account.change_instance(made.remote_id or 0, name="Renamed there", tags=["theirs"])
    synchronize()
    assert "asked to become as it is here" in choose(admin, address, "push")
    work()
    made.refresh_from_db()
    assert made.name == there(account)["name"] == "Billing sandbox"
    assert "billing" in made.tag_names
    synchronize()
    assert ListedInstance.objects.get().standing == Standing.MATCHES


def test_pushing_ours_enables_what_was_disabled_there(
    admin: Client, address: str, made: Instance, account: Account
) -> None:
    account.change_instance(made.remote_id or 0, disabled=True)
    synchronize()
    choose(admin, address, "push")
    work()
    assert there(account)["disabled"] is False


def standing(admin: Client, address: str) -> str:
    """Return how the only line stands, and that the page of that part has it."""
    line = ListedInstance.objects.get()
    page = admin.get(f"{address}?show={line.standing}").content.decode()
    assert line.standing == Standing.MATCHES or f'value="{line.pk}"' in page
    return str(line.standing)


def test_what_was_edited_and_disabled_at_once_is_brought_back_step_by_step(
    admin: Client, address: str, made: Instance, account: Account
) -> None:
    account.change_instance(made.remote_id or 0, name="Renamed", disabled=True)
    synchronize()
    choose(admin, address, "push")
    assert standing(admin, address) == Standing.PUSHED
    work_once()
    assert there(account)["name"] == "Billing sandbox"
    assert there(account)["disabled"] is True
    assert standing(admin, address) == Standing.PUSHED
    work()
    made.refresh_from_db()
    assert there(account)["disabled"] is made.is_disabled is False
    assert standing(admin, address) == Standing.MATCHES


def test_what_the_platform_refuses_differs_again_from_what_it_was_here(
    admin: Client, address: str, made: Instance, account: Account
) -> None:
    account.change_instance(made.remote_id or 0, name="Renamed there", tags=["theirs"])
    synchronize()
    account.fault("status", status=400, method="PATCH", times=None)
    choose(admin, address, "push")
    work()
    made.refresh_from_db()
    assert standing(admin, address) == Standing.CHANGED
    assert (made.name, "billing" in made.tag_names) == ("Billing sandbox", True)
    assert ListedInstance.objects.get().differences == ["name", "tags"]


def test_a_comparison_meanwhile_leaves_it_being_made(
    admin: Client, address: str, made: Instance, account: Account
) -> None:
    account.change_instance(made.remote_id or 0, name="Renamed there")
    synchronize()
    choose(admin, address, "push")
    synchronize()
    assert standing(admin, address) == Standing.PUSHED
    work()
    assert standing(admin, address) == Standing.MATCHES


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
    with django_assert_max_num_queries(14):
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

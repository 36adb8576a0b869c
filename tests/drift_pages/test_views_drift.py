"""An admin sees what differs, and accepts theirs or pushes ours."""

import pytest
from django.test import Client

from instances.models import (
    AuditEntry,
    Instance,
    ListedInstance,
    Standing,
)
from sandbox.running import Account
from tests.drift_pages.deeds import choose, standing, synchronize, there, work, work_once

pytestmark = pytest.mark.django_db(transaction=True)


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

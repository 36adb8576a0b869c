"""What the pages say of a deletion."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from instances.models import (
    Instance,
    Operation,
    Role,
)
from tests.cases import work
from tests.removal.steps import body, bring_the_day, url

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_page_counts_down_and_offers_to_undo(counted: Instance, signed_in: Client) -> None:
    page = body(signed_in, counted.get_absolute_url())
    assert "To be deleted in" in page
    assert "The contract has ended." in page
    assert url("deletion_undo", counted) in page
    for name in ("edit", "enable", "delete"):
        assert f'href="{url(name, counted)}"' not in page


def test_the_page_asks_now_and_then_whether_its_day_has_come(
    counted: Instance, signed_in: Client
) -> None:
    asked = signed_in.get(counted.get_absolute_url(), headers={"HX-Target": "state"})
    assert 'hx-trigger="every 60s"' in asked.content.decode()
    assert "HX-Retarget" not in asked.headers
    bring_the_day(counted)
    soon = signed_in.get(counted.get_absolute_url())
    assert 'hx-trigger="every 10s"' in soon.content.decode()


def test_it_says_once_that_it_is_disabled(counted: Instance, signed_in: Client) -> None:
    page = signed_in.get(counted.get_absolute_url()).content.decode()
    assert "Disabled: the platform refuses calls" not in page


def test_who_only_sees_it_finds_no_undo(
    counted: Instance, client: Client, member: Callable[..., User]
) -> None:
    client.force_login(member(Role.VIEWER))
    page = body(client, counted.get_absolute_url())
    assert "To be deleted in" in page
    assert url("deletion_undo", counted) not in page


def test_the_tombstone_says_when_and_by_whom_and_shows_no_token_or_code(
    counted: Instance, signed_in: Client
) -> None:
    bring_the_day(counted)
    work()
    page = body(signed_in, counted.get_absolute_url())
    assert "Deleted on the platform" in page
    assert "Asked for by <bdi>olivia</bdi>" in page
    assert url("delete", counted) not in page
    token = body(signed_in, url("token", counted))
    assert "Deleted, and so is its token" in token
    assert "curl -X" not in token


def test_the_form_wants_the_name(made: Instance, signed_in: Client) -> None:
    answer = signed_in.post(url("delete", made), {"typed_name": "another", "reason": "Old."})
    assert answer.status_code == 422
    assert "This is not its name" in answer.content.decode()
    assert not Operation.objects.filter(kind="disable").exists()


def test_undoing_too_late_is_told(made: Instance, signed_in: Client) -> None:
    answer = signed_in.post(url("deletion_undo", made), follow=True)
    assert "It is too late to undo it" in answer.content.decode()

"""Who has seen the token that works now, as its page tells who manages the instance."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from instances import audit
from instances.models import Instance, Membership, Role
from instances.views.seen import seen_by

pytestmark = pytest.mark.django_db


@pytest.fixture
def lena(member: Callable[..., User], active: Instance) -> User:
    """An operator who was handed the token twice."""
    lena = member(Role.OPERATOR, "lena")
    for action in ("token.revealed", "token.copied"):
        audit.record(lena, action, active)
    return lena


def told(instance: Instance) -> list[tuple[str, int, bool]]:
    return [(one.name, one.times, one.may_still) for one in seen_by(instance)]


def test_whoever_was_handed_it_is_told_with_how_often(active: Instance, lena: User) -> None:
    assert told(active) == [("lena", 2, True)]


def test_who_lost_the_right_is_told_as_such(active: Instance, lena: User) -> None:
    Membership.objects.filter(user=lena).delete()
    assert told(active) == [("lena", 2, False)]


def test_who_has_left_is_still_told(active: Instance, lena: User) -> None:
    lena.delete()
    assert told(active) == [("lena", 2, False)]


def test_another_token_makes_what_was_seen_worthless(active: Instance, lena: User) -> None:
    audit.record(None, "instance.token_changed", active)
    assert told(active) == []
    audit.record(lena, "token.copied", active)
    assert told(active) == [("lena", 1, True)]


def test_another_instances_token_is_another(active: Instance, lena: User, operator: User) -> None:
    audit.record(operator, "instance.edited", active)
    assert told(active) == [("lena", 2, True)]


def test_the_page_tells_who_manages_and_nobody_else(
    client: Client, active: Instance, lena: User, operator: User
) -> None:
    page = reverse("instances:token", args=[active.pk])
    client.force_login(operator)
    shown = client.get(page).content.decode()
    assert "Who has seen it" in shown
    assert "2 times" in shown
    assert reverse("instances:rotate", args=[active.pk]) in shown
    client.force_login(lena)
    assert "Who has seen it" not in client.get(page).content.decode()

"""What offers nothing that could be tested is rotated on the word of who tried it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from instances.models import AuditEntry, Instance, OperationState, Role, Rotation, Share, ShareLevel
from instances.operations import (
    RotationChoice,
    RotationDecidedError,
    decide_rotation,
    rotation_choices,
)
from sandbox.running import Account
from tests.cases import work
from tests.rotation.steps import (
    R,
    Rotate,
    come_to_an_end,
    forward,
    is_untouched,
    prove,
    show_valid,
)

pytestmark = pytest.mark.django_db(transaction=True)

SILENT: dict[str, Any] = {
    "key": "silent",
    "configuration": [{"key": "silent.id", "required": True}],
}


@pytest.fixture
def made(ask: Callable[..., Instance], account: Account) -> Instance:
    """An instance of an element that has no ping, and names nothing that could be read."""
    account.add_element(**SILENT)
    account.set(ping_supported=False)
    instance = ask(element_key="silent", configuration={"silent.id": "1"}, environment="")
    work()
    return Instance.objects.select_related("organization").get(pk=instance.pk)


@pytest.fixture
def untestable(rotate: Rotate) -> Rotation:
    """A rotation that waits for somebody's word."""
    rotation = rotate(configuration={"silent.id": "2"})
    work()
    return prove(forward(rotation))


def test_it_stands_still_and_says_what_to_do(untestable: Rotation) -> None:
    assert (untestable.state, untestable.problem) == (R.PROVING, "untestable")
    assert "Try it, and say that it works" in untestable.message
    assert RotationChoice.VOUCH in rotation_choices(untestable)
    assert forward(untestable).state == R.PROVING


def test_word_of_who_tried_it_lets_it_go_on_to_the_end(
    untestable: Rotation, operator: User
) -> None:
    decide_rotation(actor=operator, rotation=untestable, choice=RotationChoice.VOUCH)
    rotation = forward(untestable)
    assert (rotation.state, rotation.problem) == (R.BOTH, "")
    assert come_to_an_end(rotation).state == R.LEAVING
    asked = AuditEntry.objects.filter(action="rotation.vouch", actor=operator)
    assert asked.count() == 2


def test_record_of_the_platform_weighs_more_than_a_word(
    untestable: Rotation, operator: User, account: Account
) -> None:
    decide_rotation(actor=operator, rotation=untestable, choice=RotationChoice.VOUCH)
    rotation = forward(untestable)
    show_valid(account, rotation.new, is_valid=False)
    rotation.new.health_checks.all().delete()
    rotation = come_to_an_end(rotation)
    assert (rotation.state, rotation.problem) == (R.BOTH, "unproven")
    assert is_untouched(rotation)


def test_nobody_vouches_for_what_failed_its_test(
    untestable: Rotation, operator: User, account: Account
) -> None:
    show_valid(account, untestable.new, is_valid=False)
    untestable.new.health_checks.all().delete()
    rotation = prove(untestable)
    assert rotation.problem == "unproven"
    with pytest.raises(RotationDecidedError):
        decide_rotation(actor=operator, rotation=rotation, choice=RotationChoice.VOUCH)


@pytest.mark.parametrize(
    ("who", "may"),
    [("owner", True), ("admin", True), ("manage", True), ("operator", False), ("use", False)],
)
def test_page_asks_for_the_word_of_who_manages_both(
    who: str,
    may: bool,
    untestable: Rotation,
    operator: User,
    member: Callable[..., User],
    make_user: Callable[..., User],
) -> None:
    people: dict[str, Callable[[], User]] = {
        "owner": lambda: operator,
        "admin": lambda: member(Role.ADMIN, "boss"),
        "operator": lambda: member(Role.OPERATOR, "colleague"),
    }
    user = people.get(who, lambda: make_user("guest"))()
    if who in ShareLevel.values:
        for one in (untestable.old, untestable.new):
            Share.objects.create(instance=one, user=user, level=who, granted_by=operator)
    browser = Client()
    browser.force_login(user)
    shown = browser.get(untestable.old.get_absolute_url()).content.decode()
    assert ("I tried it: it works" in shown) == may
    address = reverse("instances:rotation_decide", args=[untestable.old_id, "vouch"])
    assert browser.get(address).status_code == (200 if may else 404)
    assert browser.post(address).status_code == (302 if may else 404)
    untestable.refresh_from_db()
    assert untestable.is_vouched == may


def test_removal_of_the_old_one_is_not_begun_by_the_word(
    untestable: Rotation, operator: User
) -> None:
    decide_rotation(actor=operator, rotation=untestable, choice=RotationChoice.VOUCH)
    forward(untestable)
    work()
    removals = untestable.old.operations.exclude(state=OperationState.SUCCEEDED)
    assert not removals.exists()
    assert is_untouched(untestable)

"""Lists and the navigation name a rotation under way, to whom may know of it."""

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from instances.models import (
    Instance,
    Operation,
    OperationKind,
    OperationState,
    Role,
    Rotation,
    RotationState,
    Share,
    ShareLevel,
)
from instances.operations import request_instance_rotation
from tests.states import put_in_state

pytestmark = pytest.mark.django_db

R = RotationState
LISTS = {"list": reverse("instances:list"), "activity": reverse("instances:activity")}
COUNT = '<span class="count">1<'


@pytest.fixture
def rotate(operator: User) -> Callable[[Instance], Rotation]:
    """Ask for a rotation, and have its new one made."""

    def rotate(old: Instance) -> Rotation:
        made = request_instance_rotation(
            requester=operator,
            old=old,
            name=f"Twin of {old.name}",
            configuration={"zuorav2.sandbox": True, "username": "u", "password": "p"},
            tag_names=[],
            client_request_id=uuid.uuid4(),
            days=7.0,
        )
        put_in_state(made.new, OperationState.SUCCEEDED)
        return Rotation.objects.select_related("old", "new").get(pk=made.pk)

    return rotate


@pytest.fixture
def rotation(active: Instance, rotate: Callable[[Instance], Rotation]) -> Rotation:
    return rotate(active)


def become(rotation: Rotation, state: RotationState, **fields: object) -> None:
    is_over = state in (R.DONE, R.ENDED)
    Rotation.objects.filter(pk=rotation.pk).update(
        state=state,
        both_until=timezone.now() + timedelta(days=1),
        finished_at=timezone.now() if is_over else None,
        **fields,
    )


def row_of(client: Client, instance: Instance) -> str:
    text = client.get(LISTS["list"]).content.decode()
    row = text[text.index(f'id="instance-{instance.pk}"') :]
    return row[: row.index("</tr>")]


def link_to(instance: Instance) -> str:
    return f'<a href="{instance.get_absolute_url()}"><bdi>{instance.name}</bdi></a>'


@pytest.mark.parametrize(
    ("state", "badge"),
    [
        (R.CREATING, "Rotating: creating"),
        (R.PROVING, "Rotating: testing"),
        (R.BOTH, "Rotating: both work"),
    ],
)
def test_rows_of_both_say_how_it_stands(
    signed_in: Client, rotation: Rotation, state: RotationState, badge: str
) -> None:
    become(rotation, state)
    old, new = row_of(signed_in, rotation.old), row_of(signed_in, rotation.new)
    assert badge in old
    assert badge in new
    assert f"To be replaced by {link_to(rotation.new)}" in old
    assert f"Replaces {link_to(rotation.old)}" in new


def test_rows_say_that_it_stands_still(signed_in: Client, rotation: Rotation) -> None:
    become(rotation, R.BOTH, problem="calls")
    for one in (rotation.old, rotation.new):
        assert "Rotation stands still" in row_of(signed_in, one)


def test_rows_name_who_replaced_whom_once_it_is_done(signed_in: Client, rotation: Rotation) -> None:
    become(rotation, R.DONE)
    old, new = row_of(signed_in, rotation.old), row_of(signed_in, rotation.new)
    assert f"Replaced by {link_to(rotation.new)}" in old
    assert f"Replaces {link_to(rotation.old)}" in new
    assert "Rotat" not in old.replace(rotation.new.name, "")


def test_rows_say_nothing_of_one_that_ended(signed_in: Client, rotation: Rotation) -> None:
    become(rotation, R.ENDED)
    for one in (rotation.old, rotation.new):
        row = row_of(signed_in, one)
        assert "eplaced by" not in row
        assert "Replaces" not in row


def test_activity_names_what_a_rotation_asked_for(
    signed_in: Client, rotation: Rotation, operator: User
) -> None:
    creation = rotation.new.operations.get()
    removal = Operation.objects.create(
        kind=OperationKind.DISABLE,
        instance=rotation.old,
        organization=rotation.organization,
        requester=operator,
        client_request_id=uuid.uuid4(),
        remote_id=rotation.old.remote_id,
        payload={},
    )
    become(rotation, R.LEAVING, removal=removal)
    page = signed_in.get(LISTS["activity"])
    words = {pk: part.words for pk, part in page.context["parts"].items()}
    assert words == {creation.pk: "Replaces", removal.pk: "To be replaced by"}
    text = page.content.decode()
    assert f"Replaces {link_to(rotation.old)}" in text
    assert f"To be replaced by {link_to(rotation.new)}" in text
    assert text.count("Rotating: leaving") == 2


def test_activity_says_that_it_ended(signed_in: Client, rotation: Rotation) -> None:
    become(rotation, R.ENDED)
    text = signed_in.get(LISTS["activity"]).content.decode()
    assert "Rotation ended" in text
    assert f"Was to replace {link_to(rotation.old)}" in text


def test_name_of_one_that_may_not_be_seen_is_not_told(
    rotation: Rotation, make_user: Callable[..., User]
) -> None:
    browser, guest = Client(), make_user("guest")
    browser.force_login(guest)
    Share.objects.create(
        instance=rotation.new, user=guest, level=ShareLevel.VIEW, granted_by=rotation.old.owner
    )
    for address in LISTS.values():
        text = browser.get(address).content.decode()
        assert "Replaces another one" in text
        assert f"<bdi>{rotation.old.name}</bdi>" not in text


@pytest.mark.parametrize("address", LISTS.values(), ids=list(LISTS))
def test_more_rotations_cost_no_more_queries(
    address: str,
    signed_in: Client,
    rotation: Rotation,
    ask: Callable[..., Instance],
    rotate: Callable[[Instance], Rotation],
) -> None:
    def queries() -> int:
        signed_in.get(address)
        with CaptureQueriesContext(connection) as told:
            signed_in.get(address)
        return len(told)

    before = queries()
    for at in range(4):
        old = ask(name=f"Another {at}")
        put_in_state(old, OperationState.SUCCEEDED)
        old.refresh_from_db()
        rotate(old)
    assert queries() == before


@pytest.mark.parametrize(
    ("who", "is_counted"),
    [("owner", True), ("admin", True), ("manage", True), ("operator", False), ("use", False)],
)
def test_navigation_counts_what_stands_still_for_who_manages_it(
    who: str,
    is_counted: bool,
    rotation: Rotation,
    operator: User,
    make_user: Callable[..., User],
    member: Callable[..., User],
) -> None:
    become(rotation, R.BOTH, problem="calls")
    people = {"owner": lambda: operator, "manage": lambda: make_user("guest")}
    people |= {"use": people["manage"], "admin": lambda: member(Role.ADMIN, "boss")}
    user = people.get(who, lambda: member(Role.OPERATOR, "colleague"))()
    if who in ("manage", "use"):
        Share.objects.create(
            instance=rotation.old, user=user, level=who, granted_by=rotation.old.owner
        )
    browser = Client()
    browser.force_login(user)
    text = browser.get(LISTS["list"]).content.decode()
    assert (COUNT in text) == is_counted


def test_navigation_counts_nothing_that_goes_on(signed_in: Client, rotation: Rotation) -> None:
    become(rotation, R.BOTH)
    assert COUNT not in signed_in.get(LISTS["list"]).content.decode()
    become(rotation, R.ENDED, problem="calls")
    assert COUNT not in signed_in.get(LISTS["list"]).content.decode()

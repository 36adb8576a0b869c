"""The pages of a rotation: whom they let decide, and what follows."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from instances.models import (
    AuditEntry,
    Instance,
    InstanceStatus,
    Role,
    Rotation,
    RotationState,
    Share,
    ShareLevel,
)
from instances.operations import reveal_token
from tests.rotation_pages.seen import decide, halt, queries_of, rotate_address, text_of

pytestmark = pytest.mark.django_db


def test_it_is_finished_now(signed_in: Client, rotation: Rotation) -> None:
    page = signed_in.get(reverse("instances:rotation_decide", args=[rotation.old_id, "finish"]))
    assert "even if it still takes calls" in page.content.decode()
    assert "as soon as the new one has been tested again" in decide(
        signed_in, rotation.old, "finish"
    )
    rotation.refresh_from_db()
    assert rotation.is_hurried
    assert rotation.both_until
    assert rotation.both_until <= timezone.now()


def test_both_are_kept_longer(signed_in: Client, rotation: Rotation) -> None:
    until = rotation.both_until
    assert until
    assert "Both are kept longer" in decide(signed_in, rotation.new, "longer", days="2.5")
    rotation.refresh_from_db()
    assert rotation.both_until == until + timedelta(days=2.5)


def test_days_that_are_none_are_refused(signed_in: Client, rotation: Rotation) -> None:
    assert "At most 365 days" in decide(signed_in, rotation.new, "longer", days="1000")


def test_it_is_undone_and_the_new_one_offers_its_deletion(
    signed_in: Client, rotation: Rotation
) -> None:
    text = decide(signed_in, rotation.old, "undo")
    assert "Delete this new one" in text
    assert reverse("instances:delete", args=[rotation.new_id]) in text
    assert "Its rotation ended: the old one stays" in text_of(signed_in, rotation.old)
    assert "Delete this new one" not in text_of(signed_in, rotation.old)
    actions = AuditEntry.objects.filter(action="rotation.undo").values_list("object_id", flat=True)
    assert set(actions) == {str(rotation.old_id), str(rotation.new_id)}


def test_what_was_decided_meanwhile_is_said(signed_in: Client, rotation: Rotation) -> None:
    decide(signed_in, rotation.old, "undo")
    assert "It stands elsewhere by now" in decide(signed_in, rotation.old, "finish")
    address = reverse("instances:rotation_decide", args=[rotation.old_id, "nonsense"])
    assert signed_in.get(address).status_code == 404


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_who_may_not_manage_sees_it_and_decides_nothing(
    role: Role, rotation: Rotation, member: Callable[..., User]
) -> None:
    client = Client()
    client.force_login(member(role, "another"))
    text = text_of(client, rotation.old)
    assert "both work until" in text
    assert "Finish now" not in text
    for choice in ("finish", "longer", "undo"):
        address = reverse("instances:rotation_decide", args=[rotation.old_id, choice])
        assert (client.get(address).status_code, client.post(address).status_code) == (404, 404)
    assert client.get(rotate_address(rotation.old)).status_code == 404


def test_who_manages_one_of_them_decides_nothing(
    rotation: Rotation, make_user: Callable[..., User]
) -> None:
    client, user = Client(), make_user("guest")
    client.force_login(user)
    Share.objects.create(
        instance=rotation.old, user=user, level=ShareLevel.MANAGE, granted_by=rotation.old.owner
    )
    text = text_of(client, rotation.old)
    assert "An instance that you may not see" in text
    assert rotation.new.name not in text
    address = reverse("instances:rotation_decide", args=[rotation.old_id, "undo"])
    assert client.post(address).status_code == 404


def test_once_it_is_over_each_page_names_the_other(signed_in: Client, rotation: Rotation) -> None:
    Instance.objects.filter(pk=rotation.old_id).update(status=InstanceStatus.DELETED, token="")
    Rotation.objects.filter(pk=rotation.pk).update(
        state=RotationState.DONE, finished_at=timezone.now()
    )
    assert "Replaced" in text_of(signed_in, rotation.old)
    assert "It took the place of" in text_of(signed_in, rotation.new)


def test_its_page_asks_again_only_while_the_new_one_is_made(
    signed_in: Client, rotation: Rotation
) -> None:
    asked = 'id="rotation" class="stack" aria-label="Rotation" hx-get'
    assert asked not in text_of(signed_in, rotation.old)
    Rotation.objects.filter(pk=rotation.pk).update(state=RotationState.PROVING)
    assert asked in text_of(signed_in, rotation.old)
    part = signed_in.get(rotation.old.get_absolute_url(), headers={"HX-Target": "rotation"})
    assert "<html" not in part.content.decode()
    halt(rotation)
    part = signed_in.get(rotation.old.get_absolute_url(), headers={"HX-Target": "rotation"})
    assert part["HX-Retarget"] == "body"


def test_its_timeline_tells_it_in_words(signed_in: Client, rotation: Rotation) -> None:
    for one in (rotation.old, rotation.new):
        address = reverse("instances:instance_activity", args=[one.pk])
        assert "Rotation asked for" in signed_in.get(address).content.decode()


def test_more_people_and_more_halts_cost_no_more_queries(
    signed_in: Client, rotation: Rotation, member: Callable[..., User], ask: Callable[..., Instance]
) -> None:
    halt(rotation)
    reveal_token(actor=member(Role.OPERATOR), instance=rotation.old)
    page, list_page = rotation.old.get_absolute_url(), reverse("instances:attention")
    before = (queries_of(signed_in, page), queries_of(signed_in, list_page))
    for _ in range(4):
        reveal_token(actor=member(Role.OPERATOR), instance=rotation.old)
        old, new = ask(), ask()
        Rotation.objects.create(
            old=old,
            new=new,
            organization=old.organization,
            requester=old.owner,
            days=1.0,
            problem="calls",
        )
    assert (queries_of(signed_in, page), queries_of(signed_in, list_page)) == before

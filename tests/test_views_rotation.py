"""The pages of a rotation: what they say, whom they let decide, and that a secret is never in them."""

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
    AuditEntry,
    Instance,
    InstanceStatus,
    OperationState,
    Role,
    Rotation,
    RotationState,
    Share,
    ShareLevel,
)
from instances.operations import request_instance_rotation, reveal_token
from tests.conftest import put_in_state

pytestmark = pytest.mark.django_db

TYPED = {"authentication_type": "basic", "username": "somebody", "password": "typed-secret-7351"}


@pytest.fixture
def rotation(active: Instance, operator: User) -> Rotation:
    """A rotation whose two instances work, as the engine leaves it."""
    made = request_instance_rotation(
        requester=operator,
        old=active,
        name="The new one",
        configuration={"zuorav2.sandbox": True, "username": "u", "password": "p"},
        tag_names=[],
        client_request_id=uuid.uuid4(),
        days=7.0,
    )
    put_in_state(made.new, OperationState.SUCCEEDED)
    Rotation.objects.filter(pk=made.pk).update(
        state=RotationState.BOTH, both_until=timezone.now() + timedelta(days=7)
    )
    return Rotation.objects.select_related("old", "new").get(pk=made.pk)


def text_of(client: Client, instance: Instance) -> str:
    return client.get(instance.get_absolute_url()).content.decode()


def decide(client: Client, instance: Instance, choice: str, **typed: object) -> str:
    address = reverse("instances:rotation_decide", args=[instance.pk, choice])
    return str(client.post(address, typed, follow=True).content.decode())


def halt(
    rotation: Rotation, problem: str = "calls", message: str = "It still takes calls."
) -> None:
    Rotation.objects.filter(pk=rotation.pk).update(problem=problem, message=message)


def rotate_address(instance: Instance) -> str:
    return reverse("instances:rotate", args=[instance.pk])


def test_its_form_is_filled_in_but_for_credentials(signed_in: Client, active: Instance) -> None:
    assert rotate_address(active) in text_of(signed_in, active)
    page = signed_in.get(rotate_address(active))
    form = page.context["form"]
    assert form["name"].value() == f"{active.name} ({timezone.now():%Y-%m-%d})"
    assert (form["tags"].value(), form["days"].value()) == ("billing", "7")
    assert not form["password"].value()
    assert not form["username"].value()
    assert f"replaces-{active.remote_id}" in page.content.decode()


def test_it_is_asked_for(signed_in: Client, active: Instance) -> None:
    form = signed_in.get(rotate_address(active)).context["form"]
    asked = {
        **TYPED,
        "name": "Twin",
        "days": "0",
        "tags": "billing",
        "client_request_id": form["client_request_id"].value(),
    }
    page = signed_in.post(rotate_address(active), asked, follow=True)
    rotation = Rotation.objects.get()
    assert page.redirect_chain == [(rotation.new.get_absolute_url(), 302)]
    assert (rotation.new.name, rotation.days, rotation.old) == ("Twin", 0.0, active)
    assert rotation.new.environment == active.environment
    assert "typed-secret-7351" not in page.content.decode()


def test_each_missing_entry_is_named_and_nothing_begins(
    signed_in: Client, active: Instance
) -> None:
    page = signed_in.post(rotate_address(active), {"days": "-1", "authentication_type": "custom"})
    text = page.content.decode()
    assert page.status_code == 422
    for said in ("(clientId) is missing", "(clientSecret) is missing", "At least 0 days"):
        assert said in text
    assert not Rotation.objects.exists()


def test_other_organizations_and_environments_cannot_be_slipped_in(
    signed_in: Client, active: Instance
) -> None:
    form = signed_in.get(rotate_address(active)).context["form"]
    asked = {
        **TYPED,
        "name": "Twin",
        "days": "1",
        "organization": str(uuid.uuid4()),
        "client_request_id": form["client_request_id"].value(),
    }
    signed_in.post(rotate_address(active), asked)
    twin = Rotation.objects.get().new
    assert (twin.organization, twin.environment) == (active.organization, active.environment)


def test_what_is_being_rotated_is_not_rotated_twice(signed_in: Client, rotation: Rotation) -> None:
    assert rotate_address(rotation.old) not in text_of(signed_in, rotation.old)
    assert rotate_address(rotation.new) not in text_of(signed_in, rotation.new)
    page = signed_in.get(rotate_address(rotation.old))
    assert page.status_code == 302
    asked = {**TYPED, "name": "Twin", "days": "1", "client_request_id": str(uuid.uuid4())}
    text = signed_in.post(rotate_address(rotation.old), asked).content.decode()
    assert "It is being rotated already" in text


def test_both_pages_show_the_pair(signed_in: Client, rotation: Rotation) -> None:
    until = f"both work until {rotation.both_until:%-d %B %Y, %H:%M} UTC"
    for this, other in ((rotation.old, rotation.new), (rotation.new, rotation.old)):
        text = text_of(signed_in, this)
        assert until in text
        assert f'href="{other.get_absolute_url()}"' in text
        for words in ("Finish now", "Keep both longer", "Undo: keep the old one"):
            assert words in text


def test_who_has_not_moved_yet_is_named(
    signed_in: Client, rotation: Rotation, operator: User, member: Callable[..., User]
) -> None:
    slow, quick = member(Role.OPERATOR, "slowly"), member(Role.OPERATOR, "quickly")
    for person in (slow, quick):
        reveal_token(actor=person, instance=rotation.old)
    reveal_token(actor=quick, instance=Instance.objects.get(pk=rotation.new_id))
    text = text_of(signed_in, rotation.old)
    said = text[text.index("Who has seen the old token") :]
    assert "slowly" in said[: said.index("</p>")]
    assert "quickly" not in said[: said.index("</p>")]


def test_everybody_has_moved(signed_in: Client, rotation: Rotation) -> None:
    assert "Nobody has seen the old token here" in text_of(signed_in, rotation.old)


@pytest.mark.parametrize("problem", ["calls", "permission", "unproven"])
def test_what_holds_it_up_is_said_on_both_pages_and_in_needs_attention(
    problem: str, signed_in: Client, rotation: Rotation
) -> None:
    halt(rotation, problem, "This <b>holds</b> it up.")
    addresses = [rotation.old.get_absolute_url(), rotation.new.get_absolute_url()]
    for address in (*addresses, reverse("instances:attention"), reverse("instances:start")):
        assert "This &lt;b&gt;holds&lt;/b&gt; it up." in signed_in.get(address).content.decode()


def test_what_goes_on_by_itself_needs_no_attention(
    signed_in: Client, rotation: Rotation, make_user: Callable[..., User]
) -> None:
    assert not signed_in.get(reverse("instances:attention")).context["halted"]
    halt(rotation)
    signed_in.force_login(make_user("stranger"))
    assert not signed_in.get(reverse("instances:attention")).context["halted"]


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


def queries_of(client: Client, address: str) -> int:
    client.get(address)
    with CaptureQueriesContext(connection) as told:
        client.get(address)
    return len(told)


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

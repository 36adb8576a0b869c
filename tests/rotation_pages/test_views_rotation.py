"""The pages of a rotation: what they say, and that a secret is never in them."""

import uuid
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from instances.models import (
    Instance,
    Role,
    Rotation,
)
from instances.operations import reveal_token
from tests.rotation_pages.seen import TYPED, halt, rotate_address, text_of

pytestmark = pytest.mark.django_db


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

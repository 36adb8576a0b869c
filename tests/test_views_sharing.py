"""Sharing: who may, what the other then sees, and the end of it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from instances.models import AuditEntry, Instance, Role, Share, Team


def url(instance: Instance) -> str:
    return reverse("instances:sharing", args=[instance.pk])


@pytest.fixture
def share(active: Instance, make_user: Any, operator: User) -> Share:
    """A share of an active instance with Nora, to use."""
    return Share.objects.create(
        instance=active, user=make_user("nora"), level="use", granted_by=operator
    )


def test_sharing_with_a_person_lets_them_see(
    signed_in: Client, client: Client, active: Instance, make_user: Any
) -> None:
    nora = make_user("nora")
    response = signed_in.post(url(active), {"person": "nora", "level": "view"}, follow=True)
    assert "Shared with nora." in response.content.decode()
    client.force_login(nora)
    page = client.get(active.get_absolute_url()).content.decode()
    assert "You see this because olivia shared it (view)." in page


def test_sharing_with_a_team_lets_its_members_see(
    signed_in: Client, client: Client, active: Instance, make_user: Any
) -> None:
    team = Team.objects.create(name="Finance")
    nora = make_user("nora")
    team.members.add(nora)
    signed_in.post(url(active), {"team": team.pk, "level": "use"})
    client.force_login(nora)
    assert "with your team Finance" in client.get(active.get_absolute_url()).content.decode()


def test_sharing_again_replaces_the_level(signed_in: Client, share: Share) -> None:
    signed_in.post(url(share.instance), {"person": "nora", "level": "manage"})
    share.refresh_from_db()
    assert share.level == "manage"


def test_share_without_recipient_is_explained(signed_in: Client, active: Instance) -> None:
    response = signed_in.post(url(active), {"level": "view"})
    assert response.status_code == 422
    assert response.content.decode().count("Name a person or choose a team.") == 2


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_member_who_does_not_manage_has_no_form_and_no_way(
    client: Client, active: Instance, member: Callable[..., User], role: Role
) -> None:
    client.force_login(member(role))
    assert "Share it" not in client.get(url(active)).content.decode()
    posted = client.post(url(active), {"person": "olivia", "level": "manage"})
    assert posted.status_code == 404
    assert not Share.objects.exists()


def test_expired_share_shows_nothing_more(client: Client, share: Share) -> None:
    Share.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    client.force_login(User.objects.get(username="nora"))
    assert client.get(url(share.instance)).status_code == 404


def test_removing_asks_first_and_then_ends_it_at_once(
    signed_in: Client, client: Client, share: Share
) -> None:
    address = reverse("instances:share_remove", args=[share.pk])
    assert "Stop sharing with <bdi>nora</bdi>?" in signed_in.get(address).content.decode()
    assert Share.objects.exists()
    signed_in.post(address)
    client.force_login(User.objects.get(username="nora"))
    assert client.get(url(share.instance)).status_code == 404
    assert AuditEntry.objects.filter(action="share.removed").exists()


def test_recipient_who_only_uses_cannot_remove(client: Client, share: Share) -> None:
    client.force_login(User.objects.get(username="nora"))
    address = reverse("instances:share_remove", args=[share.pk])
    assert client.get(address).status_code == 404
    assert client.post(address).status_code == 404
    assert Share.objects.exists()

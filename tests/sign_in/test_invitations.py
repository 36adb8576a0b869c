"""A link lets one person in, once, while its giver may invite."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from instances.models import AuditEntry, Invitation, Membership, Organization, Role

pytestmark = pytest.mark.django_db

WORDS = "four good long words"
ACCEPT = "/invitation/accept/"


@pytest.fixture
def admin(member: Callable[..., User]) -> User:
    return member(Role.ADMIN, "ada")


@pytest.fixture
def desk(admin: User) -> Client:
    client = Client()
    client.force_login(admin)
    return client


def invite(desk: Client, organization: Organization, role: str = "operator") -> str:
    """Invite Nora as the page does; return the link, as the page shows it once."""
    page = reverse("instances:organization_invitations", args=[organization.pk])
    shown = desk.post(page, {"email": "nora@example.org", "role": role}).content.decode()
    link = re.search(r'"invitation-link">http://testserver([^<]+)<', shown)
    assert link
    assert link[1] not in desk.get(page).content.decode()
    return link[1]


def follow(client: Client, link: str) -> Any:
    answer = client.get(link)
    assert answer.headers["Location"] == ACCEPT
    return client.get(ACCEPT)


def account(client: Client, name: str = "nora", password: str = WORDS, again: str = WORDS) -> Any:
    return client.post(ACCEPT, {"username": name, "password": password, "again": again})


def roles(organization: Organization) -> dict[str, str]:
    rows = Membership.objects.filter(organization=organization).select_related("user")
    return {row.user.username: row.role for row in rows}


def test_who_follows_the_link_makes_an_account_and_belongs(
    client: Client, desk: Client, organization: Organization
) -> None:
    follow(client, invite(desk, organization))
    assert account(client).headers["Location"] == "/"
    assert roles(organization)["nora"] == "operator"
    nora = User.objects.get(username="nora")
    assert (nora.email, nora.check_password(WORDS)) == ("nora@example.org", True)
    assert client.get(organization.get_absolute_url()).status_code == 200
    made = AuditEntry.objects.filter(action__startswith="invitation.").order_by("pk")
    assert [row.action for row in made] == ["invitation.made", "invitation.accepted"]


def test_who_is_signed_in_joins_with_that_account(
    client: Client, desk: Client, organization: Organization, make_user: Callable[..., User]
) -> None:
    client.force_login(make_user("nora"))
    assert "this account joins" in follow(client, invite(desk, organization)).content.decode()
    client.post(ACCEPT)
    assert roles(organization)["nora"] == "operator"


def test_a_link_works_once(client: Client, desk: Client, organization: Organization) -> None:
    link = invite(desk, organization)
    other = Client()
    follow(client, link), follow(other, link)
    account(client)
    assert account(other, "eve").status_code == 404
    assert follow(Client(), link).status_code == 404
    assert not User.objects.filter(username="eve").exists()


def end_it(way: str, admin: User, desk: Client) -> None:
    rows = Invitation.objects.all()
    if way == "revoked":
        desk.post(reverse("instances:invitation_revoke", args=[rows.get().pk]))
        assert AuditEntry.objects.filter(action="invitation.revoked", actor=admin).exists()
    elif way == "expired":
        rows.update(expires_at=timezone.now() - timedelta(seconds=1))
    else:
        Membership.objects.filter(user=admin).update(role=Role.OPERATOR)


@pytest.mark.parametrize("way", ["revoked", "expired", "its giver is no admin any more"])
def test_a_link_that_ended_lets_nobody_in(
    client: Client, desk: Client, admin: User, organization: Organization, way: str
) -> None:
    follow(client, invite(desk, organization))
    end_it(way, admin, desk)
    assert account(client).status_code == 404
    assert not User.objects.filter(username="nora").exists()


def test_an_invitation_takes_no_rights_away(
    client: Client, desk: Client, organization: Organization, member: Callable[..., User]
) -> None:
    client.force_login(member(Role.OPERATOR, "nora"))
    follow(client, invite(desk, organization, "viewer"))
    client.post(ACCEPT)
    assert roles(organization)["nora"] == "operator"
    follow(client, invite(desk, organization, "admin"))
    client.post(ACCEPT)
    assert roles(organization)["nora"] == "admin"


@pytest.mark.parametrize(
    ("name", "password", "again"),
    [
        ("nora", "short-one", "short-one"),
        ("nora", "passwordpassword", "passwordpassword1"),
        ("nora", WORDS, "others"),
        ("ADA", WORDS, WORDS),
        ("", "", ""),
    ],
)
def test_a_poor_account_is_not_made(
    client: Client, desk: Client, organization: Organization, name: str, password: str, again: str
) -> None:
    follow(client, invite(desk, organization))
    answer = account(client, name, password, again)
    assert answer.status_code == 422
    assert not password or password not in answer.content.decode()
    assert "nora" not in roles(organization)


def test_the_link_is_kept_nowhere(desk: Client, client: Client, organization: Organization) -> None:
    token = invite(desk, organization).partition("link=")[2]
    follow(client, f"/invitation/?link={token}")
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM instances_invitation")
        stored = str(cursor.fetchall())
    assert token not in stored + str(dict(client.session.items()))
    assert not any(token in str(vars(row)) for row in AuditEntry.objects.all())


def test_guessing_links_is_slow(client: Client) -> None:
    answers = [
        follow(client, f"/invitation/?link=guess{number}").status_code for number in range(51)
    ]
    assert answers == [404] * 50 + [429]


def test_others_invite_nobody_and_revoke_nothing(
    client: Client, desk: Client, organization: Organization, member: Callable[..., User]
) -> None:
    invite(desk, organization)
    client.force_login(member(Role.OPERATOR))
    page = reverse("instances:organization_invitations", args=[organization.pk])
    revoke = reverse("instances:invitation_revoke", args=[Invitation.objects.get().pk])
    answers = [client.get(page), client.post(page, {"email": "a@b.example"}), client.post(revoke)]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert Invitation.objects.get().standing == "open"


def test_a_superuser_invites_into_any(client: Client, organization: Organization) -> None:
    client.force_login(User.objects.create_superuser("root"))
    assert invite(client, organization)


def test_it_is_sent_where_a_mail_server_is_known(
    desk: Client, organization: Organization, settings: Settings
) -> None:
    settings.TELLING = settings.TELLING | {"SENDS_MAIL": True}
    page = reverse("instances:organization_invitations", args=[organization.pk])
    answer = desk.post(page, {"email": "nora@example.org", "role": "viewer"}, follow=True)
    assert "invitation/?link=" not in answer.content.decode()
    (sent,) = mail.outbox
    assert sent.to == ["nora@example.org"]
    link = re.search(r"http://testserver(/invitation/\S+)", str(sent.body))
    assert link
    assert follow(Client(), link[1]).status_code == 200


def test_mail_that_cannot_be_sent_shows_the_link(
    desk: Client, organization: Organization, settings: Settings
) -> None:
    settings.TELLING = settings.TELLING | {"SENDS_MAIL": True}
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_PORT = 1
    assert invite(desk, organization)

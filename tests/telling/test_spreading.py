"""Who is told of what happened: once, by what they chose, and only while they have the right."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from instances import access, audience, operations
from instances.access import Action
from instances.engine import spreading
from instances.models import (
    Instance,
    MailChoice,
    MailState,
    Membership,
    Notice,
    NoticeKind,
    Notification,
    Organization,
    Preference,
    Role,
    Share,
    Team,
    notice_of_organization,
)
from tests import worlds
from tests.telling.steps import note, told

pytestmark = pytest.mark.django_db

Member = Callable[..., User]
MakeUser = Callable[..., User]
K = NoticeKind


def names(notice: Notice) -> set[str]:
    return {user.username for user in audience.of(notice)}


@pytest.fixture
def people(active: Instance, member: Member, make_user: MakeUser, operator: User) -> None:
    """Somebody of each kind."""
    member(Role.ADMIN, "ada")
    member(Role.OPERATOR, "other")
    member(Role.VIEWER, "vera")
    make_user("stranger")
    team = Team.objects.create(name="Finance")
    team.members.add(make_user("tom"))
    for recipient in ({"user": make_user("sue")}, {"team": team}):
        Share.objects.create(instance=active, level="view", granted_by=operator, **recipient)
    ended = timezone.now() - timedelta(seconds=1)
    late = make_user("late")
    Share.objects.create(
        instance=active, level="view", granted_by=operator, user=late, expires_at=ended
    )


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("kind", "who"),
    [
        (K.CREATED, {"olivia", "sue", "tom"}),
        (K.FAILED, {"olivia", "sue", "tom", "ada"}),
        (K.ACTION_NEEDED, {"olivia", "sue", "tom", "ada"}),
    ],
)
def test_who_is_told_of_an_instance(active: Instance, kind: K, who: set[str]) -> None:
    assert names(note(active, kind)) == who


@pytest.mark.usefixtures("people")
def test_of_an_organization_its_admins_are_told(organization: Organization) -> None:
    notice = notice_of_organization(organization, K.SECRETS_REFUSED, "k", about="secrets")
    assert names(notice) == {"ada"}


@pytest.mark.usefixtures("people")
def test_of_a_share_those_are_told_who_have_it_and_at_its_end_who_gave_it(
    active: Instance,
) -> None:
    given = note(active, K.SHARED, about="share")
    ending = note(active, K.SHARE_EXPIRING, about="share")
    given.share = ending.share = Share.objects.get(team__isnull=False)
    assert names(given) == {"tom"}
    assert names(ending) == {"tom", "olivia"}
    given.share = None
    assert names(given) == set()


def test_who_sees_an_instance_is_the_other_side_of_what_each_sees(make_user: MakeUser) -> None:
    world = worlds.build(random.Random().randrange(10**6), make_user)
    for instance in world.instances[:40]:
        seeing = {user.pk for user in access.people_seeing(instance)}
        assert seeing == {u.pk for u in world.people if access.can(u, Action.VIEW, instance)}


def test_each_is_told_once_however_often_it_is_spread(active: Instance, operator: User) -> None:
    notice = note(active, K.CREATED)
    spreading.run()
    spreading.spread(notice.pk)
    Notice.objects.update(spread_at=None)  # the commit was lost on the way, say
    spreading.run()
    assert told(operator) == ["created"]


def test_who_lost_the_right_before_it_was_spread_hears_nothing(
    active: Instance, operator: User
) -> None:
    note(active, K.CREATED)
    Membership.objects.filter(user=operator).delete()
    spreading.run()
    assert told(operator) == []


def test_who_is_switched_off_hears_nothing(active: Instance, operator: User) -> None:
    operator.is_active = False
    operator.save()
    note(active, K.ACTION_NEEDED)
    spreading.run()
    assert told(operator) == []


def test_nothing_is_written_for_who_wants_neither_bell_nor_mail(
    active: Instance, operator: User, settings: Settings
) -> None:
    settings.TELLING = {**settings.TELLING, "SENDS_MAIL": True}
    operations.choose(actor=operator, chosen={K.FAILED: (False, MailChoice.OFF)})
    note(active, K.FAILED)
    spreading.run()
    assert told(operator) == []


@pytest.mark.parametrize(
    ("kind", "sends", "mail"),
    [
        (K.CREATED, True, MailState.NONE),
        (K.UNKNOWN, True, MailState.DAILY),
        (K.ACTION_NEEDED, True, MailState.NOW),
        (K.ACTION_NEEDED, False, MailState.NONE),
    ],
)
def test_what_is_usual(
    active: Instance, operator: User, settings: Settings, kind: K, sends: bool, mail: MailState
) -> None:
    settings.TELLING = {**settings.TELLING, "SENDS_MAIL": sends}
    note(active, kind)
    spreading.run()
    row = Notification.objects.get(user=operator)
    assert (row.is_in_app, row.mail) == (True, mail)


def test_a_choice_of_one_person_is_not_another_s(
    active: Instance, operator: User, member: Member, settings: Settings
) -> None:
    settings.TELLING = {**settings.TELLING, "SENDS_MAIL": True}
    ada = member(Role.ADMIN, "ada")
    Preference.objects.create(user=ada, kind=K.FAILED, mail=MailChoice.DAILY, is_in_app=False)
    note(active, K.FAILED)
    spreading.run()
    rows = dict(Notification.objects.values_list("user__username", "mail"))
    assert rows == {"ada": MailState.DAILY, "olivia": MailState.NOW}


def test_nobody_without_an_address_is_written_to(
    active: Instance, operator: User, settings: Settings
) -> None:
    settings.TELLING = {**settings.TELLING, "SENDS_MAIL": True}
    operator.email = ""
    operator.save()
    note(active, K.FAILED)
    spreading.run()
    assert Notification.objects.get().mail == MailState.NONE


@pytest.mark.parametrize(("hour", "day"), [(5, 1), (6, 2), (23, 2)])
def test_the_digest_goes_out_at_its_hour(hour: int, day: int) -> None:
    now = datetime(2026, 3, 1, hour, 30, tzinfo=UTC)
    assert spreading.next_digest(now) == datetime(2026, 3, day, 6, tzinfo=UTC)


def test_what_is_old_is_forgotten(active: Instance, operator: User) -> None:
    note(active, K.CREATED)
    spreading.run()
    spreading.forget()
    assert Notification.objects.count() == 1
    Notice.objects.update(at=timezone.now() - timedelta(days=91))
    spreading.forget()
    assert not Notice.objects.exists()
    assert told(operator) == []

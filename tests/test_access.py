"""Who may do what: by role, by share, by ownership, and until when."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from instances import access, operations, rights
from instances.access import Action, NotAllowedError
from instances.models import (
    AuditEntry,
    Instance,
    Membership,
    Organization,
    Role,
    Share,
    ShareLevel,
    Team,
)

pytestmark = pytest.mark.django_db

Ask = Callable[..., Instance]
MakeUser = Callable[..., User]
ALL = {Action.VIEW, Action.USE, Action.MANAGE}


@pytest.mark.parametrize(
    ("role", "actions"),
    [
        (Role.VIEWER, {Action.VIEW}),
        (Role.OPERATOR, {Action.VIEW, Action.USE}),
        (Role.ADMIN, ALL),
    ],
)
def test_role_allows(
    ask: Ask, member: Callable[..., User], role: Role, actions: set[Action]
) -> None:
    assert access.allowed_actions(member(role), ask()) == actions


def test_owner_manages_what_they_asked_for(ask: Ask, operator: User) -> None:
    assert access.allowed_actions(operator, ask()) == ALL


def test_owner_who_left_the_organization_may_nothing(ask: Ask, operator: User) -> None:
    instance = ask()
    Membership.objects.filter(user=operator).delete()
    assert access.allowed_actions(operator, instance) == set()
    assert not access.visible_to(operator).exists()


def test_deactivated_person_may_nothing(ask: Ask, operator: User) -> None:
    instance = ask()
    operator.is_active = False
    assert access.allowed_actions(operator, instance) == set()
    assert not access.visible_to(operator).exists()
    assert not access.organizations_for(operator, Action.VIEW).exists()


@pytest.mark.parametrize("level", ShareLevel)
def test_share_with_a_team_counts_for_its_members(
    ask: Ask, operator: User, make_user: MakeUser, level: ShareLevel
) -> None:
    tara, team = make_user("tara"), Team.objects.create(name="Billing")
    instance = ask()
    operations.share_instance(actor=operator, instance=instance, level=level, team=team)
    assert access.allowed_actions(tara, instance) == set()
    team.members.add(tara)
    assert access.allowed_actions(tara, instance) == access.LEVEL_ALLOWS[level]
    assert "with your team Billing" in rights.why(tara, instance)


def test_expired_share_shows_nothing(ask: Ask, operator: User, make_user: MakeUser) -> None:
    tara, instance = make_user("tara"), ask()
    past = timezone.now() - timedelta(seconds=1)
    Share.objects.create(
        instance=instance, user=tara, level="manage", granted_by=operator, expires_at=past
    )
    assert access.allowed_actions(tara, instance) == set()
    assert not access.visible_to(tara).exists()


def test_a_share_that_ends_while_the_page_is_made_breaks_nothing(
    ask: Ask, make_user: MakeUser
) -> None:
    assert rights.why(make_user("tara"), ask()) == "What let you see this has just ended."


def test_sharing_again_changes_the_level(ask: Ask, operator: User, make_user: MakeUser) -> None:
    tara, instance = make_user("tara"), ask()
    for level in (ShareLevel.MANAGE, ShareLevel.VIEW):
        operations.share_instance(actor=operator, instance=instance, level=level, user=tara)
    assert access.allowed_actions(tara, instance) == {Action.VIEW}
    assert Share.objects.count() == 1


def test_who_may_only_use_cannot_share(ask: Ask, operator: User, make_user: MakeUser) -> None:
    tara, instance = make_user("tara"), ask()
    operations.share_instance(actor=operator, instance=instance, level=ShareLevel.USE, user=tara)
    with pytest.raises(NotAllowedError):
        operations.share_instance(
            actor=tara, instance=instance, level=ShareLevel.VIEW, user=operator
        )


def test_removed_share_ends_at_once(ask: Ask, operator: User, make_user: MakeUser) -> None:
    tara, instance = make_user("tara"), ask()
    share = operations.share_instance(
        actor=operator, instance=instance, level=ShareLevel.USE, user=tara
    )
    operations.remove_share(actor=operator, share=share)
    assert access.allowed_actions(tara, instance) == set()
    assert AuditEntry.objects.filter(action="share.removed", object_id=instance.pk).exists()


def test_superuser_without_membership_sees_no_instance(ask: Ask) -> None:
    instance = ask()
    root = User.objects.create_superuser("root")
    assert access.allowed_actions(root, instance) == set()


def test_visible_and_allowed_agree(
    ask: Ask, operator: User, make_user: MakeUser, member: Callable[..., User]
) -> None:
    instance = ask()
    tara = make_user("tara")
    operations.share_instance(actor=operator, instance=instance, level=ShareLevel.VIEW, user=tara)
    people = [operator, tara, make_user("stranger"), member(Role.VIEWER), member(Role.ADMIN)]
    for person in people:
        may_see = Action.VIEW in access.allowed_actions(person, instance)
        assert access.visible_to(person).filter(pk=instance.pk).exists() == may_see


def test_only_admins_administer(organization: Organization, member: Callable[..., User]) -> None:
    allowed = [role for role in Role if access.can(member(role), Action.ADMINISTER, organization)]
    assert allowed == [Role.ADMIN]


def test_a_share_with_an_end_cannot_be_given_on_without_one(
    ask: Ask, operator: User, make_user: MakeUser
) -> None:
    tara, team, instance = make_user("tara"), Team.objects.create(name="Billing"), ask()
    end = timezone.now() + timedelta(hours=1)
    share = operations.share_instance(
        actor=operator, instance=instance, level=ShareLevel.MANAGE, user=tara, expires_at=end
    )
    team.members.add(tara)
    given = operations.share_instance(
        actor=tara, instance=instance, level=ShareLevel.MANAGE, team=team
    )
    assert given.expires_at == end
    assert access.manages_until(operator, instance) is None
    assert share.expires_at == end


def test_what_was_given_on_ends_with_the_share_it_came_from(
    ask: Ask, operator: User, make_user: MakeUser
) -> None:
    tara, uma, instance = make_user("tara"), make_user("uma"), ask()
    share = operations.share_instance(
        actor=operator, instance=instance, level=ShareLevel.MANAGE, user=tara
    )
    operations.share_instance(actor=tara, instance=instance, level=ShareLevel.USE, user=uma)
    operations.remove_share(actor=operator, share=share)
    assert access.allowed_actions(uma, instance) == set()
    assert not Share.objects.exists()

"""Who belongs to an organization and as what: add somebody, change their role, let them go."""

from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q

from instances import access, audit
from instances.access import Action
from instances.models import Membership, Organization, Role, Share, Team
from instances.models.sharing import ShareQuerySet
from instances.operations.grounds import resting
from instances.operations.succession import pass_on


class LastAdminError(Exception):
    """Without this admin the organization would have none who can sign in."""


class MemberAlreadyError(Exception):
    """The person belongs to the organization, perhaps since a moment ago."""


def add_member(*, actor: User, organization: Organization, user: User, role: Role) -> Membership:
    """
    Let a person who has an account belong to an organization.

    :raises NotAllowedError: the actor may not administer it.
    :raises MemberAlreadyError: they belong to it.
    """
    access.require(actor, Action.ADMINISTER, organization)
    return admit(actor=actor, organization=organization, user=user, role=role)


def admit(*, actor: User, organization: Organization, user: User, role: Role) -> Membership:
    """Do what `add_member` does, for Django admin, where Django's permissions count."""
    try:
        with transaction.atomic():
            made = Membership.objects.create(user=user, organization=organization, role=role)
            _record(actor, "membership.added", made)
    except IntegrityError as error:
        if Membership.objects.filter(user=user, organization=organization).exists():
            raise MemberAlreadyError from error
        raise
    return made


def change_role(*, actor: User, membership: Membership, role: Role) -> None:
    """
    Give a member another role; shares that rest on the old one end or become shorter.

    :raises NotAllowedError: the actor may not administer the organization.
    :raises LastAdminError: it would have no admin any more.
    """
    access.require(actor, Action.ADMINISTER, membership.organization)
    assign_role(actor=actor, membership=membership, role=role)


def assign_role(*, actor: User, membership: Membership, role: Role) -> None:
    """Do what `change_role` does, for Django admin, where Django's permissions count."""
    with transaction.atomic(), resting(actor, given_by(membership)):
        if role != Role.ADMIN:
            _keep_an_admin(membership)
        was = Membership.objects.select_for_update().get(pk=membership.pk).role
        if was == role:
            return
        Membership.objects.filter(pk=membership.pk).update(role=role)
        membership.role = role
        _record(actor, "membership.changed", membership, was=was)


def remove_member(*, actor: User, membership: Membership, heir: User | None = None) -> None:
    """
    Let a member go, from the next request and the next step of queued work on.

    With an `heir`, what they own, gave and asked for goes on in the heir's name. Without one it
    stays in theirs: what is queued is canceled when its turn comes, and shares that nothing else
    carries end. They leave the organization's teams too, and what was shared with them ends.

    :raises NotAllowedError: the actor may not administer the organization.
    :raises LastAdminError: it would have no admin any more.
    :raises MayNotInheritError: the heir cannot look after instances there.
    """
    access.require(actor, Action.ADMINISTER, membership.organization)
    release(actor=actor, membership=membership, heir=heir)


def release(*, actor: User, membership: Membership, heir: User | None = None) -> None:
    """Do what `remove_member` does, for Django admin, where Django's permissions count."""
    user, organization = membership.user, membership.organization
    with transaction.atomic():
        _keep_an_admin(membership)
        if heir is not None:
            pass_on(actor=actor, user=user, organization=organization, heir=heir)
        with resting(actor, given_by(membership)):
            _end_shares_with(actor, membership)
            for team in Team.objects.filter(organization=organization, members=user):
                team.members.remove(user)
                audit.record(actor, "team.left", team, person=user.get_username())
            _record(actor, "membership.removed", membership)
            membership.delete()


def _end_shares_with(actor: User, membership: Membership) -> None:
    for share in shares_with(membership).select_related("instance", "user", "team"):
        facts: dict[str, Any] = {"recipient": share.recipient, "level": share.level}
        audit.record(actor, "share.removed", share.instance, **facts)
        share.delete()


def shares_with(membership: Membership) -> ShareQuerySet:
    """Return what of the organization was shared with the member in person."""
    organization = membership.organization_id
    return Share.objects.filter(user=membership.user_id, instance__organization=organization)


def given_by(membership: Membership) -> set[UUID]:
    """Return the ids of the instances of the organization that the member gave or was given on."""
    rows = Share.objects.filter(instance__organization=membership.organization_id)
    user = membership.user_id
    touched = Q(granted_by=user) | Q(user=user) | Q(team__members=user)
    return set(rows.filter(touched).values_list("instance", flat=True))


def is_last_admin(membership: Membership) -> bool:
    """
    Tell whether no other admin who can sign in would stay.

    In a transaction, in which all admins are held: of two who go at once, one waits.
    """
    admins = Membership.objects.filter(
        organization=membership.organization_id, role=Role.ADMIN
    ).order_by("pk")
    held = list(admins.select_for_update(of=("self",)).select_related("user"))
    is_admin = any(one.pk == membership.pk for one in held)
    return is_admin and not any(one.user.is_active for one in held if one.pk != membership.pk)


def _keep_an_admin(membership: Membership) -> None:
    if is_last_admin(membership):
        raise LastAdminError


def _record(actor: User, action: str, membership: Membership, **facts: Any) -> None:
    facts |= {"person": membership.user.get_username(), "role": membership.role}
    audit.record(actor, action, membership.organization, **facts)

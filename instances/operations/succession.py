"""Who looks after an instance next: one handed over, or all that somebody leaves behind."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from instances import access, audit
from instances.access import Action
from instances.models import (
    FINAL,
    ApiKey,
    AuditEntry,
    Instance,
    InstanceStatus,
    Membership,
    Operation,
    Organization,
    Role,
    Rotation,
    RotationState,
    Share,
)
from instances.models.sharing import ShareQuerySet
from instances.operations.grounds import resting

# Entries written in one statement.
AT_ONCE = 500


class MayNotInheritError(Exception):
    """The next owner must be an active member who may create instances, and another person."""


@dataclass(frozen=True)
class Holdings:
    """What is in one person's name in an organization, and what of it waits for its next step."""

    instances: int
    shares: int
    operations: int
    rotations: int
    # Not to be handed over: a key of somebody who left is refused.
    keys: int

    @property
    def is_empty(self) -> bool:
        """Whether nothing would have to be handed over."""
        return not (self.instances or self.shares or self.operations or self.rotations)


def heirs(organization: Organization) -> QuerySet[User]:
    """Return who could look after instances of the organization."""
    return User.objects.filter(
        is_active=True,
        memberships__organization=organization,
        memberships__role__in=[r for r in Role if Action.CREATE in access.ROLE_ALLOWS[r]],
    ).order_by("username")


def holdings_of(user: User, organization: Organization) -> Holdings:
    """Count what is in a person's name."""
    return Holdings(
        instances=_owned(user, organization).exclude(status=InstanceStatus.DELETED).count(),
        shares=_given(user, organization).current().count(),
        operations=_open(user, organization).count(),
        rotations=_under_way(user, organization).count(),
        keys=ApiKey.objects.usable().filter(owner=user, organization=organization).count(),
    )


def hand_over_instance(*, actor: User, instance: Instance, heir: User) -> None:
    """
    Give an instance another owner, with the shares that the present one gave of it.

    :raises NotAllowedError: the actor is neither its owner nor an admin of its organization.
    :raises MayNotInheritError: the heir cannot look after it.
    """
    if not access.may_hand_over(actor, instance):
        raise access.NotAllowedError("hand over", instance)
    with transaction.atomic(), resting(actor, [instance.pk]):
        _hold(instance.organization, heir)
        owned = Instance.objects.select_for_update(of=("self",)).select_related("owner")
        stored = owned.get(pk=instance.pk)
        if stored.owner_id == heir.pk:
            raise MayNotInheritError
        Share.objects.filter(instance=stored, granted_by=stored.owner).update(granted_by=heir)
        Instance.objects.filter(pk=stored.pk).update(owner=heir)
        _entry(actor, stored, stored.owner, heir).save(force_insert=True)


def hand_over(*, actor: User, user: User, organization: Organization, heir: User) -> Holdings:
    """
    Put all that is in a person's name in an organization into another's; returned is how much.

    :raises NotAllowedError: the actor may not administer it.
    :raises MayNotInheritError: the heir cannot look after it.
    """
    access.require(actor, Action.ADMINISTER, organization)
    with transaction.atomic():
        return pass_on(actor=actor, user=user, organization=organization, heir=heir)


def pass_on(*, actor: User, user: User, organization: Organization, heir: User) -> Holdings:
    """
    Do what `hand_over` does, in the caller's transaction, who has looked at the rights.

    What the person gave of instances that the heir does not manage goes on in the actor's name;
    shares end if neither could have given them.

    :raises MayNotInheritError: the heir cannot look after it.
    """
    if user == heir:
        raise MayNotInheritError
    _hold(organization, heir)
    held = holdings_of(user, organization)
    owned = list(_owned(user, organization).values_list("pk", flat=True))
    _record_each(actor, owned, user, heir)
    _owned(user, organization).update(owner=heir)
    given = _given(user, organization)
    given.filter(instance__owner=heir).update(granted_by=heir)
    # By a share alone nobody carries on the rest: it may rest on the very shares that go.
    successor = heir if access.can(heir, Action.ADMINISTER, organization) else actor
    if access.can(successor, Action.ADMINISTER, organization):
        given.update(granted_by=successor)
    _open(user, organization).update(requester=heir)
    _under_way(user, organization).update(requester=heir)
    facts: dict[str, Any] = {
        "person": user.get_username(),
        "to": heir.get_username(),
        "instances": len(owned),
    }
    facts |= {"shares": held.shares, "operations": held.operations + held.rotations}
    audit.record(actor, "people.handed_over", organization, **facts)
    return held


def _hold(organization: Organization, heir: User) -> None:
    """Keep the heir's membership until this is written, and refuse who could do nothing with it."""
    held = Membership.objects.filter(organization=organization, user=heir).select_for_update()
    if not list(held) or not heirs(organization).filter(pk=heir.pk).exists():
        raise MayNotInheritError


def _record_each(actor: User, owned: list[UUID], user: User, heir: User) -> None:
    for at in range(0, len(owned), AT_ONCE):
        rows = Instance.objects.filter(pk__in=owned[at : at + AT_ONCE])
        AuditEntry.objects.bulk_create([_entry(actor, one, user, heir) for one in rows])


def _entry(actor: User, instance: Instance, was: User, heir: User) -> AuditEntry:
    facts: dict[str, Any] = {"was": was.get_username(), "to": heir.get_username()}
    return audit.entry(actor, "instance.handed_over", instance, **facts)


def _owned(user: User, organization: Organization) -> QuerySet[Instance]:
    return Instance.objects.filter(owner=user, organization=organization)


def _given(user: User, organization: Organization) -> ShareQuerySet:
    return Share.objects.filter(granted_by=user, instance__organization=organization)


def _open(user: User, organization: Organization) -> QuerySet[Operation]:
    rows = Operation.objects.filter(requester=user, organization=organization)
    return rows.exclude(state__in=FINAL)


def _under_way(user: User, organization: Organization) -> QuerySet[Rotation]:
    rows = Rotation.objects.filter(requester=user, organization=organization)
    return rows.exclude(state__in=(RotationState.DONE, RotationState.ENDED))

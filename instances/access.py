"""Who may do what to which row: the one place where rights are decided."""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from instances.models import (
    AuditEntry,
    Finding,
    Instance,
    Membership,
    Operation,
    Organization,
    Role,
    Share,
    ShareLevel,
    Team,
)


class Action(StrEnum):
    """What somebody wants to do."""

    VIEW = "view"
    USE = "use"
    MANAGE = "manage"
    CREATE = "create"
    ADMINISTER = "administer"


ROLE_ALLOWS = {
    Role.VIEWER: {Action.VIEW},
    Role.OPERATOR: {Action.VIEW, Action.USE, Action.CREATE},
    Role.ADMIN: {Action.VIEW, Action.USE, Action.CREATE, Action.MANAGE, Action.ADMINISTER},
}
LEVEL_ALLOWS = {
    ShareLevel.VIEW: {Action.VIEW},
    ShareLevel.USE: {Action.VIEW, Action.USE},
    ShareLevel.MANAGE: {Action.VIEW, Action.USE, Action.MANAGE},
}


class NotAllowedError(Exception):
    """The person may not do this; whoever asks answers as if the row did not exist."""

    def __init__(self, wanted: str, target: Instance | Organization | None = None) -> None:
        super().__init__(wanted)
        self.wanted, self.target = wanted, target


def _roles_allowing(action: Action) -> list[Role]:
    return [role for role, actions in ROLE_ALLOWS.items() if action in actions]


def shares_with(user: User) -> QuerySet[Share]:
    """Return the shares with `user`, alone or with a team of theirs, that have not ended."""
    return Share.objects.current().filter(Q(user=user) | Q(team__members=user))


def visible_to(user: User) -> QuerySet[Instance]:
    """Return the instances that `user` may see: of their organizations, and shared with them."""
    if not user.is_active:
        return Instance.objects.none()
    mine = Membership.objects.filter(user=user).values("organization")
    shared = shares_with(user).values("instance")
    return Instance.objects.filter(Q(organization__in=mine) | Q(pk__in=shared))


def people_seeing(instance: Instance) -> QuerySet[User]:
    """Return who may see `instance`: the other side of `visible_to`."""
    shares = Share.objects.current().filter(instance=instance)
    members = Membership.objects.filter(organization=instance.organization_id).values("user")
    alone = shares.filter(user__isnull=False).values("user")
    together = Team.members.through.objects.filter(team__in=shares.values("team")).values("user")
    either = Q(pk__in=members) | Q(pk__in=alone) | Q(pk__in=together)
    return User.objects.filter(either, is_active=True)


def people_administering(organization_id: UUID) -> QuerySet[User]:
    """Return the admins of an organization."""
    roles = _roles_allowing(Action.ADMINISTER)
    held = Membership.objects.filter(organization=organization_id, role__in=roles)
    return User.objects.filter(pk__in=held.values("user"), is_active=True)


def shared_with(user: User) -> QuerySet[Instance]:
    """Return the instances that `user` may see because somebody shared them."""
    return visible_to(user).filter(pk__in=shares_with(user).values("instance"))


def organizations_for(user: User, action: Action) -> QuerySet[Organization]:
    """Return the organizations in which `user` holds a role that allows `action`."""
    if not user.is_active:
        return Organization.objects.none()
    roles = _roles_allowing(action)
    held = Membership.objects.filter(user=user, role__in=roles).values("organization")
    return Organization.objects.filter(pk__in=held)


def is_member(user: User, organization: Organization) -> bool:
    """Tell whether `user` belongs to `organization`, in whatever role."""
    return organizations_for(user, Action.VIEW).filter(pk=organization.pk).exists()


def actions_in(user: User, organization: Organization) -> set[Action]:
    """Return everything that `user` may do in `organization` by their role there."""
    held = Membership.objects.filter(user=user, organization=organization, user__is_active=True)
    role = held.values_list("role", flat=True).first()
    return set(ROLE_ALLOWS[Role(role)]) if role else set()


def allowed_actions(user: User, instance: Instance) -> set[Action]:
    """Return everything that `user` may do to `instance`, by role, ownership and shares together."""
    if not user.is_active:
        return set()
    actions: set[Action] = set()
    role = Membership.objects.filter(user=user, organization=instance.organization_id).first()
    if role is not None:
        actions |= ROLE_ALLOWS[Role(role.role)]
        # Whoever made an instance looks after it, while they may still make one.
        if instance.owner_id == user.pk and Action.CREATE in actions:
            actions.add(Action.MANAGE)
    for level in shares_with(user).filter(instance=instance).values_list("level", flat=True):
        actions |= LEVEL_ALLOWS[ShareLevel(level)]
    return actions - {Action.CREATE, Action.ADMINISTER}


def can(user: User, action: Action, target: Instance | Organization) -> bool:
    """Tell whether `user` may do `action` to `target`."""
    if isinstance(target, Instance):
        return action in allowed_actions(user, target)
    return organizations_for(user, action).filter(pk=target.pk).exists()


def require(user: User, action: Action, target: Instance | Organization) -> None:
    """
    Go on only if `user` may do `action` to `target`.

    :raises NotAllowedError: otherwise.
    """
    if not can(user, action, target):
        raise NotAllowedError(str(action), target)


def managed_by(user: User, among: Collection[UUID] | None = None) -> QuerySet[Instance]:
    """Return the instances, or those among some, that `user` may manage: by role, as owner, by a share."""
    if not user.is_active:
        return Instance.objects.none()
    owned = Q(owner=user, organization__in=organizations_for(user, Action.CREATE))
    shares = shares_with(user).filter(level=ShareLevel.MANAGE)
    rows = Instance.objects.all()
    if among is not None:
        # Said of the shares too, or all that the person has are read.
        shares, rows = shares.filter(instance__in=among), rows.filter(pk__in=among)
    administered = organizations_for(user, Action.ADMINISTER)
    shared = Q(pk__in=shares.values("instance"))
    return rows.filter(Q(organization__in=administered) | owned | shared)


def managers_by_role(instances: Collection[Instance]) -> dict[UUID, set[int]]:
    """Return the ids of who manages each by role or as its owner, switched off or not."""
    of = {one.organization_id for one in instances}
    members = Membership.objects.filter(
        organization__in=of, role__in=_roles_allowing(Action.CREATE)
    )
    roles = {(one.organization_id, one.user_id): Role(one.role) for one in members}
    managing = _roles_allowing(Action.MANAGE)
    return {
        one.pk: {
            user
            for (organization, user), role in roles.items()
            if organization == one.organization_id and (role in managing or user == one.owner_id)
        }
        for one in instances
    }


def may_hand_over(user: User, instance: Instance) -> bool:
    """Tell whether `user` may give `instance` another owner: not by a share, which is not theirs to give."""
    return user.is_active and user.pk in managers_by_role([instance])[instance.pk]


def findings_for(user: User) -> QuerySet[Finding]:
    """Return the findings that `user` may decide about."""
    return Finding.objects.filter(
        Q(organization__in=organizations_for(user, Action.ADMINISTER))
        | Q(operation__instance__in=managed_by(user))
    )


def require_finding(user: User, finding: Finding) -> None:
    """
    Go on only if `user` may decide about `finding`.

    :raises NotAllowedError: otherwise.
    """
    if not findings_for(user).filter(pk=finding.pk).exists():
        raise NotAllowedError("decide about a finding", finding.organization)


def may_decide(user: User, operation: Operation) -> bool:
    """Tell whether `user` may decide how `operation` goes on."""
    try:
        require_deciding(user, operation)
    except NotAllowedError:
        return False
    return True


def require_deciding(user: User, operation: Operation) -> None:
    """
    Go on only if `user` may decide how `operation` goes on.

    :raises NotAllowedError: otherwise.
    """
    if operation.instance is not None:
        require(user, Action.MANAGE, operation.instance)
    elif operation.finding is not None:
        require_finding(user, operation.finding)


def decidable_among(user: User, rows: Sequence[Operation]) -> set[UUID]:
    """Return which of these operations `user` may decide about, as `may_decide` tells of one."""
    instances = {one.instance_id for one in rows if one.instance_id}
    findings = {one.finding_id for one in rows if not one.instance_id and one.finding_id}
    may = set(managed_by(user, instances).values_list("pk", flat=True))
    if findings:  # nothing finds nothing, and writing down how takes long
        may |= set(findings_for(user).filter(pk__in=findings).values_list("pk", flat=True))
    return {one.pk for one in rows if (one.instance_id or one.finding_id) in may}


def manages_until(user: User, instance: Instance) -> datetime | None:
    """Return when a right to manage that comes from shares alone ends; None if it does not end."""
    role = Membership.objects.filter(user=user, organization=instance.organization_id).first()
    is_owner = instance.owner_id == user.pk
    if role is not None and (role.role == Role.ADMIN or (is_owner and role.role != Role.VIEWER)):
        return None
    shares = shares_with(user).filter(instance=instance, level=ShareLevel.MANAGE)
    ends = list(shares.values_list("expires_at", flat=True))
    return None if None in ends else max((end for end in ends if end), default=None)


def audit_entries_for(user: User) -> QuerySet[AuditEntry]:
    """
    Return the part of the record that `user` may read: of organizations they administer, or all of it.

    All is for who has Django's permission to view it, as superusers have.

    :raises NotAllowedError: none of it.
    """
    if _may_read_everything(user):
        return AuditEntry.objects.all()
    administered = list(organizations_audited_by(user).values_list("pk", flat=True))
    if not administered:
        raise NotAllowedError("read the record")
    return AuditEntry.objects.filter(organization_id__in=administered)


def organizations_audited_by(user: User) -> QuerySet[Organization]:
    """Return the organizations whose record `user` may read."""
    if _may_read_everything(user):
        return Organization.objects.all()
    return organizations_for(user, Action.ADMINISTER)


def _may_read_everything(user: User) -> bool:
    return user.is_active and user.has_perm("instances.view_auditentry")


def may_create_organizations(user: User) -> bool:
    """Tell whether `user` may add an organization: Django's own permission, as superusers have."""
    return user.is_active and user.has_perm("instances.add_organization")


def require_status(user: User) -> None:
    """
    Go on only if `user` may see how this installation is doing: Django's own permission, as superusers have.

    :raises NotAllowedError: otherwise.
    """
    if not (user.is_active and user.has_perm("instances.view_installation")):
        raise NotAllowedError("see the status")

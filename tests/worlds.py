"""A world of random people, shares and rows, and the rules of who sees what in plain Python."""

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from instances.models import (
    FINAL,
    Finding,
    FindingKind,
    Health,
    HealthState,
    Instance,
    InstanceStatus,
    InstanceTag,
    Membership,
    Operation,
    OperationKind,
    OperationState,
    Organization,
    Role,
    Rotation,
    RotationState,
    Share,
    ShareLevel,
    Team,
    Verdict,
)
from instances.views.diagnosis import diagnose

ADMINS, MAKERS = {"admin"}, {"admin", "operator"}
R = RotationState
NAMES = ("Billing", "Invoices", "ÖSTERREICH", "billing archive", "Payments")


@dataclass
class World:
    """Some organizations, people, teams and rows; and the rules, one line each."""

    chance: random.Random
    people: list[User] = field(default_factory=list)
    organizations: list[Organization] = field(default_factory=list)
    teams: list[Team] = field(default_factory=list)
    roles: dict[tuple[int, uuid.UUID], str] = field(default_factory=dict)
    belongs: set[tuple[int, int]] = field(default_factory=set)
    instances: list[Instance] = field(default_factory=list)
    tags: dict[uuid.UUID, set[str]] = field(default_factory=dict)
    healths: dict[uuid.UUID, Health] = field(default_factory=dict)
    shares: list[Share] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    rotations: list[Rotation] = field(default_factory=list)

    def role(self, user: User, instance: Instance) -> str:
        return self.roles.get((user.pk, instance.organization_id), "")

    def levels(self, user: User, instance: Instance) -> set[str]:
        now = timezone.now()
        return {
            share.level
            for share in self.shares
            if share.instance_id == instance.pk
            and (share.expires_at is None or share.expires_at > now)
            and (share.user_id == user.pk or (user.pk, share.team_id) in self.belongs)
        }

    def sees(self, user: User, instance: Instance) -> bool:
        return bool(self.role(user, instance) or self.levels(user, instance))

    def manages(self, user: User, instance: Instance) -> bool:
        role = self.role(user, instance)
        is_owner = instance.owner_id == user.pk and role in MAKERS
        return role in ADMINS or is_owner or "manage" in self.levels(user, instance)

    def health(self, instance: Instance) -> str:
        row = self.healths.get(instance.pk)
        is_shown = instance.status == "active"
        return diagnose(row, instance.organization).state if is_shown else ""

    def must_mend(self, user: User, instance: Instance) -> bool:
        is_held_up = instance.organization.is_halted
        is_bad = self.health(instance) == "action_needed" and not is_held_up
        return is_bad and self.sees(user, instance)

    def decides(self, user: User, finding: Finding) -> bool:
        about = finding.operation.instance if finding.operation else None
        is_admin = self.roles.get((user.pk, finding.organization_id)) in ADMINS
        return is_admin or (about is not None and self.manages(user, about))

    def waits(self, user: User, operation: Operation) -> bool:
        if operation.state != "needs_person":
            return False
        if operation.instance:
            return self.sees(user, operation.instance)
        return operation.finding is not None and self.decides(user, operation.finding)

    def asks(self, user: User, finding: Finding) -> bool:
        is_settled = finding.operation is None or finding.operation.state in FINAL
        return finding.verdict == "open" and is_settled and self.decides(user, finding)

    def sees_halted(self, user: User, rotation: Rotation) -> bool:
        is_halted = rotation.problem != "" and rotation.state not in ("done", "ended")
        return is_halted and self.manages(user, rotation.old)


def build(seed: int, make_user: Callable[..., User]) -> World:
    """Make a world of its own for each seed: 140 instances, many shares, some expired."""
    made = World(random.Random(seed))
    made.people = [make_user(f"person-{at}") for at in range(6)]
    made.organizations = [organization_row(at) for at in range(4)]
    Organization.objects.bulk_create(made.organizations)
    made.teams = Team.objects.bulk_create(Team(name=f"team {at}") for at in range(3))
    _join(made)
    for _ in range(140):
        add_instance(made)
    _watch(made)
    _share(made)
    _work(made)
    _rotate(made)
    return made


def organization_row(at: int) -> Organization:
    """Return an organization that nothing is ever sent for."""
    return Organization(
        name=f"Organization {at}",
        base_url="https://api.cloud-elements.com/elements/api-v2",
        user_secret="ce1.x",
        organization_secret="ce1.x",
        secrets_set_at=timezone.now(),
    )


def _join(world: World) -> None:
    # The first belongs to nothing, the last is an admin of everything.
    for user in world.people[1:]:
        for organization in world.organizations:
            is_last = user is world.people[-1]
            role = Role.ADMIN if is_last else world.chance.choice([*Role, None, None, None])
            if role is not None:
                Membership.objects.create(user=user, organization=organization, role=role)
                world.roles[user.pk, organization.pk] = role
    for team in world.teams:
        for user in world.chance.sample(world.people, 3):
            team.members.add(user)
            world.belongs.add((user.pk, team.pk))


def add_instance(world: World) -> Instance:
    # Half of them active: only those have health.
    status = world.chance.choice([*InstanceStatus, *[InstanceStatus.ACTIVE] * 10])
    number = len(world.instances) + 1
    row = Instance.objects.create(
        organization=world.chance.choice(world.organizations),
        owner=world.chance.choice(world.people),
        name=f"{world.chance.choice(NAMES)} {number}",
        element_key=world.chance.choice(["zuorav2", "sfdc"]),
        environment=world.chance.choice(["", "sandbox", "production"]),
        status=status,
        account="somewhere|1",
        remote_id=number,
        is_disabled=world.chance.choice([None, False, True]),
        token="ce1.x",
    )
    names = set(world.chance.sample(["red", "blue", "eu"], world.chance.randrange(3)))
    InstanceTag.objects.bulk_create(InstanceTag(instance=row, name=name) for name in names)
    world.instances.append(row)
    world.tags[row.pk] = names
    return row


def _watch(world: World) -> None:
    # One is refused by the platform, for another calls are paused.
    refused, paused = world.organizations[:2]
    refused.secrets_refused_at = timezone.now()
    refused.save()
    paused.paused_until = timezone.now() + timedelta(hours=1)
    paused.save()
    # One in three was not looked at for long.
    checked = [timezone.now(), timezone.now(), timezone.now() - timedelta(days=9)]
    for instance in world.instances:
        state = world.chance.choice(list(HealthState))
        is_new = state == HealthState.UNKNOWN and world.chance.random() < 0.5
        row = Health(
            instance=instance,
            organization=instance.organization,
            state=state,
            problem="invalid" if state == HealthState.ACTION_NEEDED else "",
            checked_at=None if is_new else world.chance.choice(checked),
        )
        world.healths[instance.pk] = row
    Health.objects.bulk_create(world.healths.values())


def _share(world: World) -> None:
    moments = (None, timezone.now() + timedelta(hours=1), timezone.now() - timedelta(seconds=1))
    for instance in world.chance.sample(world.instances, 90):
        recipients = world.chance.sample([*world.people, *world.teams], 3)
        for recipient in recipients:
            team = recipient if isinstance(recipient, Team) else None
            world.shares.append(
                Share(
                    instance=instance,
                    user=recipient if isinstance(recipient, User) else None,
                    team=team,
                    level=world.chance.choice(list(ShareLevel)),
                    expires_at=world.chance.choice(moments),
                    granted_by=world.people[-1],
                )
            )
    Share.objects.bulk_create(world.shares)


def _work(world: World) -> None:
    for instance in world.instances:
        state = world.chance.choice([OperationState.NEEDS_PERSON, *OperationState])
        _operation(world, state, instance=instance)
    for at in range(60):
        operation = world.chance.choice([None, *world.operations[:140]])
        owner = operation.organization if operation else world.chance.choice(world.organizations)
        finding = Finding(
            organization=owner,
            operation=operation,
            kind=world.chance.choice(list(FindingKind)),
            account="somewhere|1",
            remote_id=1000 + at,
            last_seen_at=timezone.now(),
            verdict=world.chance.choice([Verdict.OPEN, Verdict.OPEN, Verdict.IGNORED]),
        )
        finding.save(force_insert=True)
        world.findings.append(finding)
        if at % 5 == 0:
            _operation(world, OperationState.NEEDS_PERSON, finding=finding)


def _operation(world: World, state: OperationState, **about: Any) -> None:
    subject = about.get("instance") or about["finding"]
    operation = Operation(
        kind=OperationKind.CREATE if "instance" in about else OperationKind.DELETE,
        remote_id=None if "instance" in about else subject.remote_id,
        organization=subject.organization,
        requester=world.people[-1],
        client_request_id=uuid.uuid4(),
        payload={},
        tag=f"tag-{len(world.operations)}",
        state=state,
        finished_at=timezone.now() if state in FINAL else None,
        **about,
    )
    operation.save(force_insert=True)
    world.operations.append(operation)


def _rotate(world: World) -> None:
    # Two of one organization each, a quarter of them at each stage; half stand still.
    for organization in world.organizations:
        mine = [one for one in world.instances if one.organization_id == organization.pk]
        for at, (old, new) in enumerate(zip(mine[::2], mine[1::2], strict=False)):
            state = (R.CREATING, R.PROVING, R.DONE, R.ENDED)[at % 4]
            rotation = Rotation(
                old=old,
                new=new,
                organization=organization,
                requester=world.people[-1],
                days=1.0,
                state=state,
                problem=world.chance.choice(["", "calls"]),
                finished_at=timezone.now() if state in (R.DONE, R.ENDED) else None,
            )
            rotation.save(force_insert=True)
            world.rotations.append(rotation)

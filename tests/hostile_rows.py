"""Rows of every kind whose every text can be written over, to see what the pages make of it."""

import uuid
from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, QuerySet
from django.utils import timezone

from instances.models import (
    Attempt,
    AttemptOutcome,
    AuditEntry,
    Finding,
    FindingKind,
    Instance,
    InstanceTag,
    Membership,
    Operation,
    OperationKind,
    OperationState,
    Organization,
    Role,
    Share,
    ShareLevel,
    Team,
    Verdict,
)
from instances.models.states import FINAL, INSTANCE_STATUS

STATES = (
    *(OperationState.SUCCEEDED, OperationState.NEEDS_PERSON, OperationState.UNKNOWN),
    *(OperationState.REJECTED, OperationState.QUEUED, OperationState.BLOCKED),
    *(OperationState.CANCELED, OperationState.SENDING),
)
SETTLED = {OperationState.SUCCEEDED: AttemptOutcome.SUCCEEDED}
# Enough for every text, of which several share a line wherever it is long enough.
ROWS = 108
PEOPLE = 64
KEYS = 50
ATTEMPTS = TAGS = 40
ACCOUNT = "https://platform.example|1"
SEALED = "ce1.not-opened-by-any-page"
ACTIONS = ("instance.shared", "decision.look", "token.revealed", "something.else")

# What is said in row `number` of a place that takes `limit` characters.
Say = Callable[[int, int], str]
# The texts of each kind of row, with the room they have.
TEXTS: dict[type[Model], dict[str, int]] = {
    User: {"username": 150, "first_name": 150, "last_name": 150, "email": 254},
    Group: {"name": 150},
    Team: {"name": 100},
    Organization: {"name": 100, "environment_label": 40, "account": 400},
    Instance: {"name": 255, "element_key": 100},
    InstanceTag: {"name": 255},
    Operation: {"message": 600, "problem": 60, "lease_owner": 100},
    Attempt: {"message": 300, "request_id": 60, "error_class": 60, "worker": 100},
    Finding: {"name": 255, "element_key": 100, "tag": 60, "reason": 300},
    AuditEntry: {"actor_name": 150, "object_name": 255, "address": 45},
    LogEntry: {"object_repr": 200, "change_message": 2000},
}


def build(organization: Organization) -> None:
    """
    Make rows of every kind, with the first person as an admin of every organization.

    The second is one as well: an only admin's membership cannot be deleted, and its page has no link for it.
    """
    people = _people()
    organizations = _organizations(organization)
    Membership.objects.bulk_create(
        Membership(user=admin, organization=one, role=Role.ADMIN)
        for admin in people[:2]
        for one in organizations
    )
    Membership.objects.bulk_create(
        Membership(user=person, organization=organization, role=Role.VIEWER)
        for person in people[2:]
    )
    made = [_instance(n, organizations, people) for n in range(ROWS)]
    _findings(organizations, people, made[1].operations.get())
    _sharing(made[0], people)
    _records(made[0], people, organization)


def say_everywhere(say: Say) -> None:
    """Write over every text of every row."""
    for model, fields in TEXTS.items():
        rows = list(_rows(model))
        for number, row in enumerate(rows):
            for place, (field, limit) in enumerate(fields.items()):
                setattr(row, field, say(number + 7 * place * (limit > 100), limit))
        model._default_manager.bulk_update(rows, list(fields), batch_size=200)
    for number, instance in enumerate(_rows(Instance)):
        instance.element = _element(number, say)
        entries = KEYS if number == 0 else 3
        instance.configuration = {say(n, 200): say(number + n, 2000) for n in range(entries)}
        instance.save(update_fields=["element", "configuration"])
    for number, entry in enumerate(_rows(AuditEntry)):
        shared = {"recipient": say(number, 150), "level": say(number, 60)}
        entry.detail = {"reason": say(number, 300)} if number % 2 else shared
        entry.save(update_fields=["detail"])


def _element(number: int, say: Say) -> dict[str, object]:
    keys = ("name", "key", "hub", "image", "description")
    return {"id": 9380} | {key: say(number + n, 2000) for n, key in enumerate(keys)}


def ids_of(app: str, model: str) -> list[Any]:
    """Return a few rows of a model, spread over all of them."""
    ids = list(_rows(apps.get_model(app, model)).values_list("pk", flat=True))
    return ids[1 :: max(1, len(ids) // 4)][:4]


def _rows(model: type[Model]) -> QuerySet[Any]:
    return model._default_manager.order_by("pk")


def _people() -> list[User]:
    User.objects.bulk_create(User(username=f"person-{n}") for n in range(PEOPLE))
    people = list(User.objects.filter(username__startswith="person-").order_by("pk"))
    people[0].is_staff = people[0].is_superuser = True
    people[0].save()
    return people


def _organizations(first: Organization) -> list[Organization]:
    fields = {
        "base_url": first.base_url,
        "user_secret": SEALED,
        "organization_secret": SEALED,
        "secrets_set_at": timezone.now(),
    }
    refused = {"secrets_refused_at": timezone.now()}
    others = [
        Organization(name=f"organization-{n}", **fields, **(refused if n % 2 else {}))
        for n in range(ROWS - 1)
    ]
    return [first, *Organization.objects.bulk_create(others)]


def _instance(n: int, organizations: list[Organization], people: list[User]) -> Instance:
    state, now = STATES[n % len(STATES)], timezone.now()
    is_ready = state == OperationState.SUCCEEDED
    instance = Instance.objects.create(
        organization=organizations[n if n % 16 < 8 else 0],
        owner=people[n % PEOPLE],
        name="name",
        element_key="key",
        status=INSTANCE_STATUS[state],
        account=ACCOUNT if is_ready else "",
        remote_id=n + 1 if is_ready else None,
        token=SEALED if is_ready else "",
    )
    operation = Operation.objects.create(
        kind=OperationKind.CREATE,
        instance=instance,
        organization=instance.organization,
        requester=instance.owner,
        client_request_id=uuid.uuid4(),
        payload={"element_key": "key", "name": "name", "tags": [], "configuration_keys": []},
        tag=f"ced-{n}",
        state=state,
        finished_at=now if state in FINAL else None,
        looks=3,
        last_looked_at=now,
    )
    instance.replace_tags(f"tag-{tag}" for tag in range(TAGS if n == 0 else 3))
    _attempts(operation, ATTEMPTS if n == 0 else 2)
    return instance


def _attempts(operation: Operation, count: int) -> None:
    now, last = timezone.now(), SETTLED.get(OperationState(operation.state))
    Attempt.objects.bulk_create(
        Attempt(
            operation=operation,
            number=n,
            epoch=1,
            origin="https://platform.example",
            secrets_version=1,
            deadline_at=now,
            ended_at=now,
            outcome=last if last and n == count else AttemptOutcome.PROVEN_ABSENT,
            http_status=400,
        )
        for n in range(1, count + 1)
    )


def _findings(organizations: list[Organization], people: list[User], about: Operation) -> None:
    """Some to decide about by themselves, some as part of a request, some that were decided."""
    kinds: list[dict[str, Any]] = [
        {"kind": FindingKind.ORPHAN},
        {"kind": FindingKind.SEVERAL, "operation": about},
        {
            "kind": FindingKind.LATE,
            "verdict": Verdict.KEPT,
            "decided_by": people[1],
            "decided_at": timezone.now(),
        },
    ]
    for n in range(ROWS):
        Finding.objects.create(
            organization=about.organization if n % 3 == 1 else organizations[n],
            account=ACCOUNT,
            remote_id=10_000 + n,
            last_seen_at=timezone.now(),
            **kinds[n % 3],
        )


def _sharing(instance: Instance, people: list[User]) -> None:
    teams = Team.objects.bulk_create(Team(name=f"team-{n}") for n in range(ROWS))
    Group.objects.bulk_create(Group(name=f"group-{n}") for n in range(PEOPLE))
    recipients = [{"user": person} for person in people[1:]] + [{"team": team} for team in teams]
    Share.objects.bulk_create(
        Share(instance=instance, level=ShareLevel.USE, granted_by=people[n % PEOPLE], **recipient)
        for n, recipient in enumerate(recipients)
    )


def _records(instance: Instance, people: list[User], organization: Organization) -> None:
    AuditEntry.objects.bulk_create(
        AuditEntry(
            actor=people[n % PEOPLE],
            actor_name="name",
            action=ACTIONS[n % len(ACTIONS)],
            object_type="instance",
            object_id=str(instance.pk),
            object_name="name",
        )
        for n in range(ROWS)
    )
    LogEntry.objects.bulk_create(
        LogEntry(
            user=people[0],
            content_type=ContentType.objects.get_for_model(Organization),
            object_id=str(organization.pk),
            object_repr="name",
            action_flag=CHANGE,
            change_message="changed",
        )
        for _ in range(ROWS)
    )

"""Rows as programs get them: no secret, no token, nothing of another organization."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from instances import element_entries, operations
from instances.api.shapes import (
    AuditLine,
    ElementLine,
    ElementOut,
    EntryOut,
    InstanceLine,
    InstanceOut,
    Named,
    OperationOut,
    OrganizationOut,
    RotationOut,
    ShareOut,
)
from instances.models import (
    OWN_TAG,
    AuditEntry,
    Element,
    Instance,
    InstanceTag,
    Operation,
    Organization,
    Rotation,
    Share,
)


def lines(rows: list[Instance]) -> list[InstanceLine]:
    """Return instances as lists show them, with their tags in one query."""
    tags = _tags(row.pk for row in rows)
    return [InstanceLine(**_line(row, tags[row.pk])) for row in rows]


def whole(instance: Instance) -> InstanceOut:
    """Return one instance with its masked configuration and its newest operation."""
    newest = instance.operations.select_related("requester").order_by("-pk").first()
    return InstanceOut(
        **_line(instance, _tags([instance.pk])[instance.pk]),
        is_valid=instance.is_valid,
        is_disabled=instance.is_disabled,
        has_events=instance.has_events,
        configuration=instance.configuration,
        operation=operation(newest) if newest else None,
    )


def _line(instance: Instance, tags: list[str]) -> dict[str, Any]:
    health = getattr(instance, "health", None)
    return {
        "id": instance.pk,
        "name": instance.name,
        "status": instance.shown_status,
        "organization": named(instance.organization),
        "owner": instance.owner.get_username(),
        "element_key": instance.element_key,
        "environment": instance.environment,
        "remote_id": instance.remote_id,
        "tags": tags,
        "health": health.state if health and instance.is_active else "",
        "created_at": instance.created_at,
        "settled_at": instance.settled_at,
    }


def _tags(ids: Iterable[UUID]) -> dict[UUID, list[str]]:
    found: dict[UUID, list[str]] = {pk: [] for pk in ids}
    rows = InstanceTag.objects.filter(instance__in=list(found)).order_by("pk")
    for pk, name in rows.values_list("instance", "name"):
        if not name.startswith(OWN_TAG):
            found[pk].append(name)
    return found


def named(organization: Organization) -> Named:
    """Return an organization by id and name."""
    return Named(id=organization.pk, name=organization.name)


def operation(row: Operation) -> OperationOut:
    """Return where a wish about an instance stands."""
    return OperationOut(
        id=row.pk,
        kind=row.kind,
        state=row.state,
        is_final=row.is_final,
        instance_id=row.made.pk,
        requester=row.requester.get_username(),
        problem=row.problem,
        message=row.message,
        choices=[choice.value for choice in operations.choices_for(row)],
        created_at=row.created_at,
        finished_at=row.finished_at,
    )


def rotation(row: Rotation) -> RotationOut:
    """Return where a rotation stands."""
    return RotationOut(
        id=row.pk,
        state=row.state,
        old_id=row.old_id,
        new_id=row.new_id,
        problem=row.problem,
        message=row.message,
    )


def share(row: Share) -> ShareOut:
    """Return with whom an instance is shared."""
    return ShareOut(
        id=row.pk,
        instance_id=row.instance_id,
        person=row.user.get_username() if row.user else None,
        team=row.team.name if row.team else None,
        level=row.level,
        until=row.expires_at,
        granted_by=row.granted_by.get_username(),
    )


def organization(row: Organization) -> OrganizationOut:
    """Return an account; its sealed columns have no place here."""
    return OrganizationOut(
        id=row.pk,
        name=row.name,
        base_url=row.base_url,
        environment_label=row.environment_label,
        is_active=row.is_active,
        is_refused=row.is_refused,
        is_paused=row.is_paused,
        verified_at=row.verified_at,
    )


def element_line(row: Element) -> ElementLine:
    """Return an element as lists show it."""
    return ElementLine(**_element(row))


def element(row: Element) -> ElementOut:
    """Return an element with every entry that it asks for."""
    entries = [
        EntryOut(
            key=str(each["key"]),
            name=str(each["name"]),
            description=str(each["description"]),
            is_required=bool(each["is_required"]),
            is_secret=element_entries.is_secret(each),
            default=str(each["default"]),
            options=[str(value) for value, _ in each["options"]],
            group=str(each["group"]),
        )
        for each in row.asked_for
    ]
    return ElementOut(**_element(row), entries=entries)


def _element(row: Element) -> dict[str, Any]:
    return {
        "key": row.element_key,
        "name": row.name,
        "hub": row.hub,
        "authentication": row.authentication,
        "is_active": row.is_active,
        "is_gone": row.gone_at is not None,
    }


def audit_line(row: AuditEntry) -> AuditLine:
    """Return one line of the record."""
    return AuditLine(
        id=row.pk,
        at=row.at,
        actor=row.actor_name,
        action=row.action,
        object_type=row.object_type,
        object_id=row.object_id,
        object_name=row.object_name,
        result=row.result,
        detail=row.detail,
        rights=row.rights,
        request_id=row.request_id,
        address=row.address,
    )

"""What an admin decides about instances that differ from the platform's list."""

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db import models, transaction
from django.db.models import F
from django.db.models.functions import Now

from instances import access, audit, entries, zuora
from instances.access import Action
from instances.models import (
    AS_HERE,
    SIGN_IN,
    Instance,
    InstanceStatus,
    ListedInstance,
    Operation,
    OperationKind,
    Organization,
    Standing,
    Synchronization,
)
from instances.operations.editing import Edition, NothingChangesError, request_instance_edit
from instances.operations.intake import adopt_listed
from instances.operations.lifecycle import (
    NotChangeableError,
    SwitchedOffError,
    request_instance_switch,
)

REASON = "The platform shall be as Elementdesk has it."


class DriftChoice(models.TextChoices):
    """What may be done about lines of the platform's list."""

    ADOPT = "adopt", "Adopt"
    ACCEPT = "accept", "Accept theirs"
    PUSH = "push", "Push ours"
    IGNORE = "ignore", "Ignore until it changes"
    NOTICE = "notice", "Show again"


def decide_listed(
    *,
    actor: User,
    organization: Organization,
    choice: DriftChoice,
    rows: Sequence[ListedInstance],
    owner: User | None = None,
) -> int:
    """
    Do with lines of the platform's list as an admin says; return how many it was done with.

    A line that is not as it was shown any more is left alone. What is adopted belongs to `owner`,
    the actor unless another is named; for all that are only there see `request_intake`.

    :raises NotAllowedError: the actor may not administer the organization.
    :raises NoMemberError: `owner` is no member of it.
    """
    access.require(actor, Action.ADMINISTER, organization)
    mine = ListedInstance.objects.filter(
        organization=organization, pk__in=[row.pk for row in rows], digest__in=_digests(rows)
    )
    with transaction.atomic():
        held = mine.select_for_update(of=("self",))
        if choice == DriftChoice.ADOPT:
            return adopt_listed(actor, organization, owner or actor, held)
        return DEEDS[choice](actor, organization, held)


def line_of(instance: Instance) -> ListedInstance | None:
    """Return the line that differs from an instance in use, or is being made as it is."""
    rows = ListedInstance.objects.filter(
        organization=instance.organization_id, instance=instance
    ).exclude(standing=Standing.MATCHES)
    return rows.first() if instance.is_in_use else None


def decide_drift(*, actor: User, instance: Instance, choice: DriftChoice, digest: str) -> bool:
    """
    Accept theirs or push ours for one instance; False if it is not as it was shown any more.

    What it signs in with can only be accepted: see `can_be_pushed`.

    :raises NotAllowedError: the actor may not manage the instance.
    """
    access.require(actor, Action.MANAGE, instance)
    rows = ListedInstance.objects.filter(
        organization=instance.organization, instance=instance, digest=digest
    )
    with transaction.atomic():
        held = rows.select_for_update(of=("self",))
        return bool(DEEDS[choice](actor, instance.organization, held))


def can_be_pushed(line: ListedInstance) -> bool:
    """
    Tell whether an edit can make the platform as it is here.

    Where it signs in with something else none can: that takes the secret, which is not kept here.
    """
    return SIGN_IN not in line.differences


def cancel_comparison(*, actor: User, organization: Organization) -> bool:
    """
    Ask that the comparison under way end before the list does; False if none is.

    :raises NotAllowedError: the actor may not administer the organization.
    """
    access.require(actor, Action.ADMINISTER, organization)
    with transaction.atomic():
        running = Synchronization.objects.filter(organization=organization, ended_at=None)
        if not running.filter(cancel_asked_at=None).update(cancel_asked_at=Now()):
            return False
        audit.record(actor, "organization.comparison_canceled", organization)
    return True


def _digests(rows: Sequence[ListedInstance]) -> set[str]:
    return {row.digest for row in rows}


def _changed(rows: "models.QuerySet[ListedInstance]") -> list[tuple[ListedInstance, Instance]]:
    """Return lines that differ from an instance in use, each with it."""
    ready = rows.filter(
        standing=Standing.CHANGED,
        instance__status=InstanceStatus.ACTIVE,
        instance__organization=F("organization"),
    )
    lines = ready.select_related("instance__organization")
    return [(line, line.instance) for line in lines if line.instance is not None]


def _accept(
    actor: User, _organization: Organization, rows: "models.QuerySet[ListedInstance]"
) -> int:
    pairs = _changed(rows)
    for line, instance in pairs:
        instance.is_valid, instance.is_disabled = line.is_valid, line.is_disabled
        instance.save(update_fields=["is_valid", "is_disabled"])
        _take_over(line, instance)
        audit.record(actor, "instance.drift_accepted", instance, differences=line.differences)
    rows.filter(pk__in=[line.pk for line, _ in pairs]).update(**AS_HERE)
    return len(pairs)


def _take_over(line: ListedInstance, instance: Instance) -> None:
    instance.name = line.name or instance.name
    told = _entries(line)
    instance.configuration = {**instance.configuration, **told}
    if zuora.SANDBOX_ENTRY in told:
        instance.environment = zuora.environment(told)
    if line.has_events is not None:
        instance.has_events = line.has_events
    instance.save(update_fields=["name", "configuration", "environment", "has_events"])
    instance.replace_tags(line.tags)


def _entries(line: ListedInstance) -> dict[str, str | None]:
    """Return the entries that are otherwise there; whether events are on is one of them, too."""
    told: dict[str, str | None] = dict(line.entries)
    if "events" in line.differences:
        told.setdefault(entries.EVENTS, "true" if line.has_events else "false")
    return told


def _push(actor: User, _organization: Organization, rows: "models.QuerySet[ListedInstance]") -> int:
    return sum(
        _asked_to_be_as_here(actor, line, instance)
        for line, instance in _changed(rows)
        if can_be_pushed(line)
    )


def _asked_to_be_as_here(actor: User, line: ListedInstance, instance: Instance) -> bool:
    """Ask that it becomes there as it is here; False if that cannot be asked now."""
    try:
        with transaction.atomic():
            audit.record(actor, "instance.drift_pushed", instance, differences=line.differences)
            operation = _first_step(actor, line, instance)
    except (NothingChangesError, NotChangeableError, SwitchedOffError):
        return False
    ListedInstance.objects.filter(pk=line.pk).update(standing=Standing.PUSHED, pushed_by=operation)
    return True


def _first_step(actor: User, line: ListedInstance, instance: Instance) -> Operation:
    """Ask for an edit from how it is there to how it is here, which a switch follows; or for that alone."""
    is_to_be_disabled = bool(instance.is_disabled)
    ours = Edition.of(instance)
    kept = {
        "name": ours.name,
        "tags": list(ours.tags),
        "is_disabled": is_to_be_disabled,
        "has_events": instance.has_events,
        "entries": {key: instance.configuration.get(key) for key in _entries(line)},
    }
    follow_up: dict[str, object] = {"ours": kept}
    if line.differences == ["disabled"]:
        return request_instance_switch(
            requester=actor,
            instance=instance,
            is_to_be_disabled=is_to_be_disabled,
            reason=REASON,
            follow_up=follow_up,
        )
    if "disabled" in line.differences:
        follow_up["then"] = OperationKind.DISABLE if is_to_be_disabled else OperationKind.ENABLE
    # An edit begins at what there is, and that is theirs.
    _take_over(line, instance)
    theirs = Edition.of(instance)
    return request_instance_edit(
        requester=actor, instance=instance, seen=theirs, wanted=ours, follow_up=follow_up
    )


def _ignore(
    actor: User, organization: Organization, rows: "models.QuerySet[ListedInstance]"
) -> int:
    differing = rows.filter(standing__in=[Standing.CHANGED, Standing.ONLY_THERE])
    count = differing.update(ignored_digest=F("digest"), standing=Standing.IGNORED)
    audit.record(actor, "organization.drift_ignored", organization, lines=count)
    return count


def _notice(
    actor: User, organization: Organization, rows: "models.QuerySet[ListedInstance]"
) -> int:
    ignored = rows.filter(standing=Standing.IGNORED)
    ours = ignored.filter(instance__isnull=False)
    count = ours.update(ignored_digest="", standing=Standing.CHANGED)
    count += ignored.update(ignored_digest="", standing=Standing.ONLY_THERE)
    audit.record(actor, "organization.drift_noticed", organization, lines=count)
    return count


DEEDS = {
    DriftChoice.ACCEPT: _accept,
    DriftChoice.PUSH: _push,
    DriftChoice.IGNORE: _ignore,
    DriftChoice.NOTICE: _notice,
}

"""What a person decides about an instance that was found on the platform and is not a row here."""

import uuid
from functools import partial

from django.contrib.auth.models import User
from django.db import models, transaction

from instances import access, audit, tasks
from instances.access import Action
from instances.models import (
    Finding,
    FindingKind,
    Instance,
    InstanceStatus,
    Operation,
    OperationKind,
    OperationState,
    Verdict,
)
from instances.operations.decisions import ChoiceError, NotWaitingError, settle_finding


class FindingChoice(models.TextChoices):
    """What may become of something that was found."""

    ADOPT = "adopt", "Adopt as a new instance"
    KEEP = "keep", "Keep both"
    IGNORE = "ignore", "Ignore it"
    DELETE = "delete", "Delete it on the platform"


VERDICTS = {
    FindingChoice.KEEP: Verdict.KEPT,
    FindingChoice.IGNORE: Verdict.IGNORED,
    FindingChoice.ADOPT: Verdict.ADOPTED,
    FindingChoice.DELETE: Verdict.DELETING,
}


def finding_choices(finding: Finding) -> tuple[FindingChoice, ...]:
    """
    Return what a person may choose.

    Nothing once decided, while its request needs them, or if it has become an instance here.
    """
    if not finding.is_open or _is_candidate(finding) or _is_here(finding):
        return ()
    if finding.kind == FindingKind.ORPHAN:
        return (FindingChoice.ADOPT, FindingChoice.IGNORE, FindingChoice.DELETE)
    return (FindingChoice.KEEP, FindingChoice.ADOPT, FindingChoice.DELETE)


def _is_candidate(finding: Finding) -> bool:
    """Whether it may still become the instance of its request: that is decided there."""
    return finding.operation is not None and not finding.operation.is_final


def _is_here(finding: Finding) -> bool:
    rows = Instance.objects.filter(account=finding.account, remote_id=finding.remote_id)
    return rows.exclude(status=InstanceStatus.DELETED).exists()


def decide_finding(
    *, actor: User, finding: Finding, choice: FindingChoice, reason: str, typed_id: str = ""
) -> Instance | None:
    """
    Do with a finding as a person says; return the instance that an adoption will fill.

    A deletion takes the instance's id, typed: nothing is deleted by a slip.

    :raises NotAllowedError: the actor may not decide about it.
    :raises ChoiceError: the choice is not open, the reason is missing, or the id is another one.
    :raises NotWaitingError: somebody decided before.
    """
    access.require_finding(actor, finding)
    if not reason.strip():
        raise ChoiceError("Say why: the reason is kept with the decision.")
    if choice == FindingChoice.DELETE and typed_id.strip() != str(finding.remote_id):
        raise ChoiceError(f"Type the instance ID {finding.remote_id} to delete it.")
    with transaction.atomic():
        held = Finding.objects.select_for_update(of=("self",)).get(pk=finding.pk)
        if choice not in finding_choices(held):
            raise NotWaitingError
        settle_finding(held, VERDICTS[choice], actor, reason)
        made = _carry_out(held, choice, actor)
        audit.record(
            actor,
            f"finding.{choice}",
            held,
            reason=reason[:300],
            remote_id=held.remote_id,
        )
    return made


def _carry_out(finding: Finding, choice: FindingChoice, actor: User) -> Instance | None:
    if choice == FindingChoice.ADOPT:
        return _request_adoption(finding, actor)
    if choice == FindingChoice.DELETE:
        operation = Operation.objects.ask_deletion(
            requester=actor,
            organization=finding.organization,
            remote_id=finding.remote_id,
            finding=finding,
        )
        transaction.on_commit(partial(tasks.ring, operation.pk))
    return None


def _request_adoption(finding: Finding, actor: User) -> Instance:
    access.require(actor, Action.CREATE, finding.organization)
    instance = Instance.objects.create(
        organization=finding.organization,
        owner=actor,
        name=finding.name or f"Instance {finding.remote_id}",
        element_key=finding.element_key,
    )
    operation = Operation(
        kind=OperationKind.ADOPT,
        instance=instance,
        organization=finding.organization,
        requester=actor,
        finding=finding,
        remote_id=finding.remote_id,
        client_request_id=uuid.uuid4(),
        payload={"element_key": finding.element_key, "name": instance.name, "tags": []},
    )
    is_free = finding.tag and not Operation.objects.filter(tag=finding.tag).exists()
    operation.tag = finding.tag if is_free else f"adopt-{operation.code}"
    operation.state = OperationState.QUEUED
    operation.save(force_insert=True)
    audit.record(actor, "instance.adoption_requested", instance, remote_id=finding.remote_id)
    transaction.on_commit(partial(tasks.ring, operation.pk))
    return instance

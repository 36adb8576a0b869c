"""Rows in a given state, written without a platform."""

import uuid

from django.utils import timezone

from instances import vault
from instances.models import (
    Attempt,
    AttemptOutcome,
    Instance,
    Operation,
    OperationState,
)
from instances.models.states import INSTANCE_STATUS

TOKEN = "/sO6vVsB2eXhOlgvNR/p+G7wC/+rhY5M="
# How the only request of an operation ended when the operation stands in a state.
OUTCOMES = {
    OperationState.SENDING: AttemptOutcome.IN_FLIGHT,
    OperationState.UNKNOWN: AttemptOutcome.UNKNOWN,
    OperationState.NEEDS_PERSON: AttemptOutcome.UNKNOWN,
    OperationState.CREATED: AttemptOutcome.SUCCEEDED,
    OperationState.SUCCEEDED: AttemptOutcome.SUCCEEDED,
    OperationState.REJECTED: AttemptOutcome.REJECTED,
}
STATUSES = {AttemptOutcome.SUCCEEDED: 200, AttemptOutcome.REJECTED: 400}
MESSAGES = {
    OperationState.REJECTED: "The platform refused the request: username is not known.",
    OperationState.NEEDS_PERSON: "Several looks found nothing, and nothing proves its absence.",
}


def put_in_state(instance: Instance, state: OperationState) -> None:
    """Write the rows of an instance as the engine leaves them in `state`, without a platform."""
    operation = instance.operations.get()
    outcome = OUTCOMES.get(state)
    now = timezone.now()
    if outcome is not None:
        is_open = outcome == AttemptOutcome.IN_FLIGHT
        Attempt.objects.create(
            operation=operation,
            number=1,
            epoch=1,
            origin=instance.organization.origin,
            secrets_version=1,
            deadline_at=now,
            ended_at=None if is_open else now,
            outcome=outcome,
            http_status=STATUSES.get(outcome),
            request_id="5f3c9a1e-77b0",
        )
    is_final = state in (OperationState.REJECTED, OperationState.CANCELED, OperationState.SUCCEEDED)
    Operation.objects.filter(pk=operation.pk).update(
        state=state,
        lease_epoch=0 if outcome is None else 1,
        finished_at=now if is_final else None,
        message=MESSAGES.get(state, ""),
        looks=3 if state in (OperationState.UNKNOWN, OperationState.NEEDS_PERSON) else 0,
        last_looked_at=now if state == OperationState.NEEDS_PERSON else None,
    )
    instance.status = INSTANCE_STATUS[state]
    if state == OperationState.SUCCEEDED:
        fill_in_reply(instance)
    instance.save()


def fill_in_reply(instance: Instance) -> None:
    """Write what the platform returned, as the guide's own example has it."""
    instance.account = f"{instance.organization.origin}|1"
    instance.remote_id = uuid.uuid4().int % 10**6 + 1
    instance.token = vault.seal(instance, "token", TOKEN)
    instance.element = {"id": 9380, "name": "Zuora v2", "key": "zuorav2", "hub": "payment"}
    instance.configuration = {
        "base.url": "https://rest.zuora.com/v1",
        "bulk.relations": None,
        "password": "********",
        "username": "somebody@example.com",
        "zuorav2.sandbox": "true",
    }
    instance.is_valid, instance.is_disabled, instance.has_events = True, False, False

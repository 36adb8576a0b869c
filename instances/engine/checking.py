"""Ask the platform how one instance is doing; nothing is written here, and nothing changed there."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from instances import vault
from instances.cloud_elements import (
    CloudElementsClient,
    CloudElementsError,
    NoQuestionError,
    NotFoundError,
    RemoteInstance,
    UnauthorizedError,
    UsageEntry,
    feel,
    usage_of,
)
from instances.engine import accounts
from instances.models import CheckMethod, HealthState, Instance
from instances.vault import Purpose

# So many of the newest real calls must have failed before they say anything.
FAILED_CALLS = 3


@dataclass(frozen=True)
class Reading:
    """What one check found."""

    state: HealthState
    problem: str = ""
    message: str = ""
    method: CheckMethod = CheckMethod.RECORD
    http_status: int | None = None
    request_id: str = ""
    latency_ms: int | None = None
    calls: Sequence[UsageEntry] = field(default=(), repr=False)

    @property
    def sight(self) -> str:
        """What two checks must have in common to count as having found the same."""
        acts = self.state == HealthState.ACTION_NEEDED
        return f"{self.state}:{self.problem}" if acts else str(self.state)


def by_record(instance: Instance, client: CloudElementsClient, *, since: datetime) -> Reading:
    """
    Read the platform's own record of an instance, and what its usage says since a moment.

    The provider is not asked: this costs it nothing.
    """
    reading, remote = _record(instance, client)
    if remote is None or reading.state != HealthState.HEALTHY:
        return reading
    calls: list[UsageEntry] = []
    # Usage is a right of its own: without it the record has to do.
    with suppress(CloudElementsError):
        calls = usage_of(client, remote.remote_id, since=since)
    return replace(_with_calls(reading, calls), calls=calls)


def in_earnest(instance: Instance, client: CloudElementsClient) -> Reading:
    """Read the platform's record, then ask the instance itself, so that its provider answers."""
    reading, remote = _record(instance, client)
    if remote is None or reading.state != HealthState.HEALTHY:
        return reading
    try:
        token = vault.open_sealed(instance, "token", purpose=Purpose.CALL)
    except vault.UnreadableError:
        return replace(reading, state=HealthState.ACTION_NEEDED, problem="sealed")
    began = time.monotonic()
    try:
        pulse, request_id = feel(client, token=token, element_key=instance.element_key)
    except NoQuestionError:
        return replace(reading, message="The element offers nothing harmless to ask.")
    except CloudElementsError as error:
        is_ours = remote.token.reveal() == token.reveal()
        return _refused(error, is_token_current=is_ours, latency_ms=_since(began))
    return replace(
        reading,
        method=CheckMethod(pulse.value),
        latency_ms=_since(began),
        request_id=request_id,
    )


def _record(
    instance: Instance, client: CloudElementsClient
) -> tuple[Reading, RemoteInstance | None]:
    began = time.monotonic()
    try:
        remote = client.get_instance(instance.remote_id or 0)
    except CloudElementsError as error:
        return replace(_unread(instance, client, error), latency_ms=_since(began)), None
    state, problem = HealthState.HEALTHY, ""
    if remote.is_disabled:
        state = HealthState.DISABLED
    elif remote.is_valid is False:
        state, problem = HealthState.ACTION_NEEDED, "invalid"
    reading = Reading(
        state,
        problem,
        http_status=remote.http_status,
        request_id=remote.request_id,
        latency_ms=_since(began),
    )
    return reading, remote


def _unread(instance: Instance, client: CloudElementsClient, error: CloudElementsError) -> Reading:
    """Say why the record was not had; whose fault it is may take another question."""
    organization = instance.organization
    state, problem = HealthState.RETRYING, error.error_class
    try:
        if isinstance(error, UnauthorizedError):
            is_refused = accounts.are_refused(organization, client)
            state, problem = HealthState.ACTION_NEEDED, "secrets" if is_refused else "rights"
        elif isinstance(error, NotFoundError):
            is_theirs = accounts.identify(organization, client) == instance.account
            state, problem = HealthState.ACTION_NEEDED, "gone" if is_theirs else "other-account"
    except CloudElementsError as unanswered:
        state, problem = HealthState.RETRYING, unanswered.error_class
    return _from_error(error, state, problem)


def _refused(error: CloudElementsError, *, is_token_current: bool, latency_ms: int) -> Reading:
    """Say what a refusal in the instance's own name means; the organization's secrets were just accepted."""
    status = error.status or 0
    state, problem = HealthState.RETRYING, "provider"
    if status in (401, 403) and not is_token_current:
        state, problem = HealthState.ACTION_NEEDED, "token"
    elif 400 <= status < 500 and status not in (408, 429):
        state, problem = HealthState.ACTION_NEEDED, "refused"
    elif not status:
        problem = error.error_class
    reading = _from_error(error, state, problem)
    return replace(reading, method=CheckMethod.PING, latency_ms=latency_ms)


def _from_error(error: CloudElementsError, state: HealthState, problem: str) -> Reading:
    return Reading(
        state,
        problem,
        message=f"{error} {error.platform_message}".strip()[:300],
        http_status=error.status,
        request_id=error.request_id,
    )


def _with_calls(reading: Reading, calls: Sequence[UsageEntry]) -> Reading:
    """Let real calls speak: the newest ones, if all of them failed."""
    newest = calls[:FAILED_CALLS]
    if len(newest) < FAILED_CALLS or not all(call.is_failed for call in newest):
        return reading
    request_id, status = newest[0].request_id, newest[0].status
    told = f"The last {FAILED_CALLS} calls that were made with it failed."
    if all(call.status in (401, 403) for call in newest):
        state, problem = HealthState.ACTION_NEEDED, "calls-refused"
    else:
        state, problem = HealthState.RETRYING, "calls-failing"
    return replace(
        reading,
        state=state,
        problem=problem,
        message=told,
        http_status=status,
        request_id=request_id,
    )


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)

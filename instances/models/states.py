"""Where a wish may stand, and from where it may go where."""

from django.db import models

from instances.models.instance import InstanceStatus


class OperationKind(models.TextChoices):
    """What is wished for."""

    CREATE = "create", "Create"
    ADOPT = "adopt", "Adopt"
    DELETE = "delete", "Delete"
    EDIT = "edit", "Edit"
    REAUTHENTICATE = "reauthenticate", "Re-authenticate"
    DISABLE = "disable", "Disable"
    ENABLE = "enable", "Enable"


class CancelWish(models.TextChoices):
    """What shall happen if it turns out that the canceled request was carried out."""

    KEEP = "keep", "Keep it"
    DELETE = "delete", "Delete it"


class OperationState(models.TextChoices):
    """Where the wish stands (docs/decisions/0002 has the table of moves)."""

    QUEUED = "queued", "Queued"
    CLAIMED = "claimed", "Starting"
    BLOCKED = "blocked", "Waiting"
    SENDING = "sending", "Creating"
    CREATED = "created", "Finishing"
    UNKNOWN = "unknown", "Outcome unknown"
    NEEDS_PERSON = "needs_person", "Action needed"
    SUCCEEDED = "succeeded", "Done"
    REJECTED = "rejected", "Rejected"
    CANCELED = "canceled", "Canceled"


S = OperationState
FINAL = (S.SUCCEEDED, S.REJECTED, S.CANCELED)
# States a worker may take up by itself once they are due and nobody holds a lease.
CLAIMABLE = (S.QUEUED, S.CLAIMED, S.SENDING, S.CREATED, S.UNKNOWN)
# From where each state may be reached; a move not listed here changes nothing.
REACHED_FROM = {
    S.QUEUED: (S.QUEUED, S.CLAIMED, S.SENDING, S.UNKNOWN, S.BLOCKED, S.NEEDS_PERSON),
    S.CLAIMED: (S.QUEUED, S.CLAIMED, S.SENDING, S.UNKNOWN),
    S.BLOCKED: (S.QUEUED, S.CLAIMED, S.SENDING, S.BLOCKED),
    S.SENDING: (S.CLAIMED,),
    S.CREATED: (S.QUEUED, S.CLAIMED, S.SENDING, S.CREATED, S.UNKNOWN, S.NEEDS_PERSON),
    S.UNKNOWN: (S.CLAIMED, S.SENDING, S.UNKNOWN, S.NEEDS_PERSON),
    S.NEEDS_PERSON: (S.QUEUED, S.CLAIMED, S.SENDING, S.UNKNOWN, S.CREATED),
    S.SUCCEEDED: (S.CREATED,),
    S.REJECTED: (S.QUEUED, S.CLAIMED, S.SENDING, S.UNKNOWN, S.NEEDS_PERSON),
    S.CANCELED: (S.QUEUED, S.CLAIMED, S.BLOCKED, S.UNKNOWN, S.NEEDS_PERSON),
}
INSTANCE_STATUS = {
    S.QUEUED: InstanceStatus.QUEUED,
    S.CLAIMED: InstanceStatus.CREATING,
    S.BLOCKED: InstanceStatus.BLOCKED,
    S.SENDING: InstanceStatus.CREATING,
    S.CREATED: InstanceStatus.CREATING,
    S.UNKNOWN: InstanceStatus.UNKNOWN,
    S.NEEDS_PERSON: InstanceStatus.NEEDS_PERSON,
    S.SUCCEEDED: InstanceStatus.ACTIVE,
    S.REJECTED: InstanceStatus.REJECTED,
    S.CANCELED: InstanceStatus.CANCELED,
}


# What changes an instance that exists, and leaves it in use meanwhile.
CHANGES = (
    OperationKind.EDIT,
    OperationKind.REAUTHENTICATE,
    OperationKind.DISABLE,
    OperationKind.ENABLE,
)
# A deletion ends without an instance to store, and is undone only while nothing was sent.
DELETE_REACHED_FROM = REACHED_FROM | {
    S.SUCCEEDED: (S.CLAIMED, S.SENDING, S.UNKNOWN),
    S.CANCELED: (S.QUEUED, S.BLOCKED),
}
# A change that was made is read back; one that is found to be made already needs no request.
CHANGE_REACHED_FROM = REACHED_FROM | {
    S.SUCCEEDED: (S.CLAIMED, S.SENDING, S.UNKNOWN, S.CREATED),
    S.REJECTED: (*REACHED_FROM[S.REJECTED], S.CREATED),
}
CHANGE_STATUS = {
    **dict.fromkeys((S.QUEUED, S.CLAIMED, S.SENDING), InstanceStatus.CHANGING),
    **dict.fromkeys((S.CREATED, S.UNKNOWN), InstanceStatus.CHANGING),
    **dict.fromkeys((S.SUCCEEDED, S.REJECTED, S.CANCELED), InstanceStatus.ACTIVE),
    S.BLOCKED: InstanceStatus.BLOCKED,
    S.NEEDS_PERSON: InstanceStatus.NEEDS_PERSON,
}
# What a request that is on its way does, in the words of the pages.
DOING = {
    OperationKind.CREATE: "Creating",
    OperationKind.ADOPT: "Adopting",
    OperationKind.DELETE: "Deleting",
    OperationKind.DISABLE: "Disabling",
    OperationKind.ENABLE: "Enabling",
}


def moves_of(kind: str) -> dict[OperationState, tuple[OperationState, ...]]:
    """Return from where each state may be reached by an operation of this kind."""
    if kind == OperationKind.DELETE:
        return DELETE_REACHED_FROM
    return CHANGE_REACHED_FROM if kind in CHANGES else REACHED_FROM


def status_of(kind: str, state: str) -> InstanceStatus | None:
    """Return what the instance shows; None where the deed itself says it (deleted, ready)."""
    if kind in CHANGES:
        return CHANGE_STATUS[S(state)]
    if kind == OperationKind.DELETE or state == S.SUCCEEDED:
        return None
    return INSTANCE_STATUS[S(state)]

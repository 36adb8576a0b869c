"""Where a wish may stand, and from where it may go where."""

from django.db import models

from instances.models.instance import InstanceStatus


class OperationKind(models.TextChoices):
    """What is wished for."""

    CREATE = "create", "Create"
    ADOPT = "adopt", "Adopt"
    DELETE = "delete", "Delete"


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


# A deletion ends without an instance to store, and is not taken back once it was asked for.
DELETE_REACHED_FROM = REACHED_FROM | {
    S.SUCCEEDED: (S.CLAIMED, S.SENDING, S.UNKNOWN),
    S.CANCELED: (),
}

"""What a person can ask for: check the right, record the wish with its audit, ring the doorbell."""

from instances.operations.cancellation import may_be_canceled, request_cancel
from instances.operations.catalog import request_catalog
from instances.operations.consents import (
    NoAddressError,
    NotTheirTurnError,
    Return,
    leave,
    take_return,
)
from instances.operations.creation import (
    MissingEntriesError,
    RequestReusedError,
    request_instance,
    request_look,
)
from instances.operations.decisions import (
    CREATIONS,
    Choice,
    ChoiceError,
    NotWaitingError,
    candidates_for,
    choices_for,
    choices_given,
    decide,
    facts_of,
    words_of,
)
from instances.operations.editing import (
    Difference,
    EditedMeanwhileError,
    Edition,
    MaskTypedError,
    NothingChangesError,
    changed_by,
    differences,
    request_instance_edit,
)
from instances.operations.exports import record_export
from instances.operations.findings import FindingChoice, decide_finding, finding_choices
from instances.operations.health import NotTestableError, request_log, request_test
from instances.operations.intake import (
    IntakeUnderWayError,
    NoMemberError,
    NothingOnlyThereError,
    request_intake,
    stop_intake,
)
from instances.operations.lifecycle import (
    NotChangeableError,
    ReasonNeededError,
    SwitchedOffError,
    disabling_of,
    request_instance_switch,
)
from instances.operations.organizations import (
    NameTakenError,
    SecretPair,
    SecretsNeededError,
    apply_organization_change,
    change_organization,
    create_organization,
    request_audit,
    request_probe,
)
from instances.operations.reauthentication import (
    kept_since,
    missing_credentials,
    request_instance_reauthentication,
)
from instances.operations.recognition import OtherEnvironmentError
from instances.operations.reconsent import NoConsentError, protocol_for, request_instance_reconsent
from instances.operations.removal import (
    NameDiffersError,
    TooLateError,
    delete_at,
    request_instance_deletion,
    undo_instance_deletion,
)
from instances.operations.restore import Accepted, accept_restore
from instances.operations.rotation import (
    RotationChoice,
    RotationDecidedError,
    decide_rotation,
    may_be_rotated,
    request_instance_rotation,
    rotation_choices,
    rotation_of,
)
from instances.operations.secrets import (
    NothingToConfirmError,
    confirm_secrets,
    discard_secrets,
    request_verification,
)
from instances.operations.sharing import remove_share, share_instance
from instances.operations.synchronization import (
    DriftChoice,
    cancel_comparison,
    decide_drift,
    decide_listed,
    line_of,
)
from instances.operations.tokens import NoTokenError, reveal_token

__all__ = [
    "CREATIONS",
    "Accepted",
    "Choice",
    "ChoiceError",
    "Difference",
    "DriftChoice",
    "EditedMeanwhileError",
    "Edition",
    "FindingChoice",
    "IntakeUnderWayError",
    "MaskTypedError",
    "MissingEntriesError",
    "NameDiffersError",
    "NameTakenError",
    "NoAddressError",
    "NoConsentError",
    "NoMemberError",
    "NoTokenError",
    "NotChangeableError",
    "NotTestableError",
    "NotTheirTurnError",
    "NotWaitingError",
    "NothingChangesError",
    "NothingOnlyThereError",
    "NothingToConfirmError",
    "OtherEnvironmentError",
    "ReasonNeededError",
    "RequestReusedError",
    "Return",
    "RotationChoice",
    "RotationDecidedError",
    "SecretPair",
    "SecretsNeededError",
    "SwitchedOffError",
    "TooLateError",
    "accept_restore",
    "apply_organization_change",
    "cancel_comparison",
    "candidates_for",
    "change_organization",
    "changed_by",
    "choices_for",
    "choices_given",
    "confirm_secrets",
    "create_organization",
    "decide",
    "decide_drift",
    "decide_finding",
    "decide_listed",
    "decide_rotation",
    "delete_at",
    "differences",
    "disabling_of",
    "discard_secrets",
    "facts_of",
    "finding_choices",
    "kept_since",
    "leave",
    "line_of",
    "may_be_canceled",
    "may_be_rotated",
    "missing_credentials",
    "protocol_for",
    "record_export",
    "remove_share",
    "request_audit",
    "request_cancel",
    "request_catalog",
    "request_instance",
    "request_instance_deletion",
    "request_instance_edit",
    "request_instance_reauthentication",
    "request_instance_reconsent",
    "request_instance_rotation",
    "request_instance_switch",
    "request_intake",
    "request_log",
    "request_look",
    "request_probe",
    "request_test",
    "request_verification",
    "reveal_token",
    "rotation_choices",
    "rotation_of",
    "share_instance",
    "stop_intake",
    "take_return",
    "undo_instance_deletion",
    "words_of",
]

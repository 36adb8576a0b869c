"""What a person can ask for: check the right, record the wish with its audit, ring the doorbell."""

from instances.operations.account import (
    change_email,
    change_password,
    end_other_sessions,
    end_session,
)
from instances.operations.api_keys import (
    KeyMadeError,
    KeyOverError,
    KeyRefusedError,
    know_api_key,
    make_api_key,
    revoke_api_key,
    rotate_api_key,
)
from instances.operations.api_limits import Allowance, count_request
from instances.operations.backups import note_backup
from instances.operations.cancellation import (
    TooLateToCancelError,
    may_be_canceled,
    request_cancel,
)
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
from instances.operations.notifications import choose, mark_all_read, mark_read
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
from instances.operations.signing_in import (
    Try,
    begin_sign_in,
    complete_sign_in,
    confirm_password,
    fail_sign_in,
    sign_out,
)
from instances.operations.synchronization import (
    DriftChoice,
    cancel_comparison,
    decide_drift,
    decide_listed,
    line_of,
)
from instances.operations.tokens import NoTokenError, reveal_token
from instances.operations.tries import TooManyTriesError

__all__ = [
    "CREATIONS",
    "Accepted",
    "Allowance",
    "Choice",
    "ChoiceError",
    "Difference",
    "DriftChoice",
    "EditedMeanwhileError",
    "Edition",
    "FindingChoice",
    "IntakeUnderWayError",
    "KeyMadeError",
    "KeyOverError",
    "KeyRefusedError",
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
    "TooLateToCancelError",
    "TooManyTriesError",
    "Try",
    "accept_restore",
    "apply_organization_change",
    "begin_sign_in",
    "cancel_comparison",
    "candidates_for",
    "change_email",
    "change_organization",
    "change_password",
    "changed_by",
    "choices_for",
    "choices_given",
    "choose",
    "complete_sign_in",
    "confirm_password",
    "confirm_secrets",
    "count_request",
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
    "end_other_sessions",
    "end_session",
    "facts_of",
    "fail_sign_in",
    "finding_choices",
    "kept_since",
    "know_api_key",
    "leave",
    "line_of",
    "make_api_key",
    "mark_all_read",
    "mark_read",
    "may_be_canceled",
    "may_be_rotated",
    "missing_credentials",
    "note_backup",
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
    "revoke_api_key",
    "rotate_api_key",
    "rotation_choices",
    "rotation_of",
    "share_instance",
    "sign_out",
    "stop_intake",
    "take_return",
    "undo_instance_deletion",
    "words_of",
]

"""What a person can ask for: check the right, record the wish with its audit, ring the doorbell."""

from instances.operations.cancellation import may_be_canceled, request_cancel
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
from instances.operations.findings import FindingChoice, decide_finding, finding_choices
from instances.operations.health import NotTestableError, request_log, request_test
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
from instances.operations.restore import Accepted, accept_restore
from instances.operations.secrets import (
    NothingToConfirmError,
    confirm_secrets,
    discard_secrets,
    request_verification,
)
from instances.operations.sharing import remove_share, share_instance
from instances.operations.tokens import NoTokenError, reveal_token

__all__ = [
    "CREATIONS",
    "Accepted",
    "Choice",
    "ChoiceError",
    "FindingChoice",
    "MissingEntriesError",
    "NameTakenError",
    "NoTokenError",
    "NotChangeableError",
    "NotTestableError",
    "NotWaitingError",
    "NothingToConfirmError",
    "ReasonNeededError",
    "RequestReusedError",
    "SecretPair",
    "SecretsNeededError",
    "SwitchedOffError",
    "accept_restore",
    "apply_organization_change",
    "candidates_for",
    "change_organization",
    "choices_for",
    "choices_given",
    "confirm_secrets",
    "create_organization",
    "decide",
    "decide_finding",
    "disabling_of",
    "discard_secrets",
    "facts_of",
    "finding_choices",
    "may_be_canceled",
    "remove_share",
    "request_audit",
    "request_cancel",
    "request_instance",
    "request_instance_switch",
    "request_log",
    "request_look",
    "request_probe",
    "request_test",
    "request_verification",
    "reveal_token",
    "share_instance",
    "words_of",
]

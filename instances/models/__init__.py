"""What is remembered, and what can never be true."""

from instances.models.among import among
from instances.models.api_key import SCOPE_COLUMNS, ApiKey, Scope
from instances.models.api_use import ApiUse
from instances.models.asking import ask_change_now, ask_removal
from instances.models.attempt import (
    UNRESOLVED,
    Attempt,
    AttemptOutcome,
    Evidence,
    EvidenceKind,
)
from instances.models.audit import REVEALS, AuditEntry, AuditKey, AuditResult, AuditSeal
from instances.models.candidate import Candidate, CandidateState
from instances.models.consent import Consent, ConsentProtocol
from instances.models.credential import CredentialPrint, erase_credentials
from instances.models.element import CatalogReading, Element
from instances.models.external_identity import ExternalIdentity
from instances.models.finding import Finding, FindingKind, Verdict
from instances.models.health import (
    CheckMethod,
    Health,
    HealthCheck,
    HealthCount,
    HealthDay,
    HealthState,
)
from instances.models.identity import new_id
from instances.models.instance import OWN_TAG, Environment, Instance, InstanceStatus, InstanceTag
from instances.models.intake import Intake, adoptions_under_way, only_there
from instances.models.invitation import Invitation
from instances.models.keys import Installation, SealingKey
from instances.models.listing import AS_HERE, SIGN_IN, ListedInstance, Standing, Synchronization
from instances.models.notice import (
    MailChoice,
    MailState,
    Notice,
    NoticeKind,
    Notification,
    Preference,
    key_of,
    notice_of_instance,
    notice_of_organization,
    preferences_of,
)
from instances.models.operation import Operation, OperationSecret
from instances.models.organization import BreakerState, Membership, Organization, Role
from instances.models.platform_log import LogKind, LogReading, PlatformEntry
from instances.models.queue import database_now
from instances.models.rotation import Rotation, RotationState
from instances.models.second_factor import FactorKind, RecoveryCode, SecondFactor
from instances.models.session import Session, stored_as
from instances.models.sharing import UNWARNED, WARNING_DAYS, Share, ShareLevel, Team
from instances.models.signing_in import SignInTries
from instances.models.states import CHANGES, FINAL, CancelWish, OperationKind, OperationState
from instances.models.webhook import (
    HOOKED,
    Delivery,
    DeliveryState,
    DeliveryTry,
    Webhook,
    WebhookShape,
)
from instances.models.worker import Worker

__all__ = [
    "AS_HERE",
    "CHANGES",
    "FINAL",
    "HOOKED",
    "OWN_TAG",
    "REVEALS",
    "SCOPE_COLUMNS",
    "SIGN_IN",
    "UNRESOLVED",
    "UNWARNED",
    "WARNING_DAYS",
    "ApiKey",
    "ApiUse",
    "Attempt",
    "AttemptOutcome",
    "AuditEntry",
    "AuditKey",
    "AuditResult",
    "AuditSeal",
    "BreakerState",
    "CancelWish",
    "Candidate",
    "CandidateState",
    "CatalogReading",
    "CheckMethod",
    "Consent",
    "ConsentProtocol",
    "CredentialPrint",
    "Delivery",
    "DeliveryState",
    "DeliveryTry",
    "Element",
    "Environment",
    "Evidence",
    "EvidenceKind",
    "ExternalIdentity",
    "FactorKind",
    "Finding",
    "FindingKind",
    "Health",
    "HealthCheck",
    "HealthCount",
    "HealthDay",
    "HealthState",
    "Installation",
    "Instance",
    "InstanceStatus",
    "InstanceTag",
    "Intake",
    "Invitation",
    "ListedInstance",
    "LogKind",
    "LogReading",
    "MailChoice",
    "MailState",
    "Membership",
    "Notice",
    "NoticeKind",
    "Notification",
    "Operation",
    "OperationKind",
    "OperationSecret",
    "OperationState",
    "Organization",
    "PlatformEntry",
    "Preference",
    "RecoveryCode",
    "Role",
    "Rotation",
    "RotationState",
    "Scope",
    "SealingKey",
    "SecondFactor",
    "Session",
    "Share",
    "ShareLevel",
    "SignInTries",
    "Standing",
    "Synchronization",
    "Team",
    "Verdict",
    "Webhook",
    "WebhookShape",
    "Worker",
    "adoptions_under_way",
    "among",
    "ask_change_now",
    "ask_removal",
    "database_now",
    "erase_credentials",
    "key_of",
    "new_id",
    "notice_of_instance",
    "notice_of_organization",
    "only_there",
    "preferences_of",
    "stored_as",
]

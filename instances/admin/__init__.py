"""Django admin: the same rows and the same operations as the pages, for administrators."""

from instances.admin.api_keys import ApiKeyAdmin
from instances.admin.memberships import MembershipAdmin, TeamAdmin
from instances.admin.organizations import OrganizationAdmin
from instances.admin.people import SecondFactorAdmin
from instances.admin.records import (
    AttemptAdmin,
    AuditEntryAdmin,
    FindingAdmin,
    InstanceAdmin,
    OperationAdmin,
)
from instances.admin.sharing import ShareAdmin
from instances.admin.telling import DeliveryAdmin, NoticeAdmin, NotificationAdmin, WebhookAdmin
from instances.admin.watching import (
    CandidateAdmin,
    ElementAdmin,
    HealthAdmin,
    HealthCheckAdmin,
    ListedInstanceAdmin,
    PlatformEntryAdmin,
)

__all__ = [
    "ApiKeyAdmin",
    "AttemptAdmin",
    "AuditEntryAdmin",
    "CandidateAdmin",
    "DeliveryAdmin",
    "ElementAdmin",
    "FindingAdmin",
    "HealthAdmin",
    "HealthCheckAdmin",
    "InstanceAdmin",
    "ListedInstanceAdmin",
    "MembershipAdmin",
    "NoticeAdmin",
    "NotificationAdmin",
    "OperationAdmin",
    "OrganizationAdmin",
    "PlatformEntryAdmin",
    "SecondFactorAdmin",
    "ShareAdmin",
    "TeamAdmin",
    "WebhookAdmin",
]

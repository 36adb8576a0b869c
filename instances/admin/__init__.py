"""Django admin: the same rows and the same operations as the pages, for administrators."""

from instances.admin.organizations import MembershipAdmin, OrganizationAdmin, TeamAdmin
from instances.admin.records import (
    AttemptAdmin,
    AuditEntryAdmin,
    FindingAdmin,
    InstanceAdmin,
    OperationAdmin,
)
from instances.admin.sharing import ShareAdmin

__all__ = [
    "AttemptAdmin",
    "AuditEntryAdmin",
    "FindingAdmin",
    "InstanceAdmin",
    "MembershipAdmin",
    "OperationAdmin",
    "OrganizationAdmin",
    "ShareAdmin",
    "TeamAdmin",
]

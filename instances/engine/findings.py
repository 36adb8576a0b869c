"""Write down what was seen on the platform and takes a person to decide about."""

from collections.abc import Iterable

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from instances import audit, tags
from instances.cloud_elements import FoundInstance
from instances.models import (
    Finding,
    FindingKind,
    Instance,
    InstanceStatus,
    Notice,
    NoticeKind,
    Operation,
    Organization,
    Verdict,
    key_of,
)


def record(
    organization: Organization,
    kind: FindingKind,
    found: FoundInstance,
    *,
    operation: Operation | None = None,
) -> Finding:
    """
    Write a finding once for each instance of an account; seen again, it is not gone any more.

    Nothing that a person has decided is touched.
    """
    finding, is_new = Finding.objects.get_or_create(
        account=organization.account or organization.origin,
        remote_id=found.remote_id,
        defaults={
            "organization": organization,
            "operation": operation,
            "kind": kind,
            "tag": next((tag for tag in found.tags if tags.is_ours(tag)), ""),
            "name": found.name,
            "element_key": found.element_key[:100],
            "remote_created_at": found.remote_created_at,
            "last_seen_at": Now(),
        },
    )
    if is_new:
        audit.record(None, "finding.noticed", finding, kind=kind.value, remote_id=found.remote_id)
        _tell(finding)
    else:
        see_again(Finding.objects.filter(pk=finding.pk))
    return finding


def _tell(finding: Finding) -> None:
    """Write down that somebody has to decide; of an open request's candidates the request itself tells."""
    if finding.kind not in (FindingKind.LATE, FindingKind.ORPHAN):
        return
    Notice.objects.note(
        Notice(
            key=key_of("finding", finding.pk),
            kind=NoticeKind.ACTION_NEEDED,
            about="finding",
            problem=finding.kind,
            name=str(finding)[:255],
            organization_id=finding.organization_id,
            finding=finding,
        )
    )


def note(operation: Operation, kind: FindingKind, found: Iterable[FoundInstance]) -> None:
    """Write down everything that may be what `operation` made."""
    for one in found:
        record(operation.organization, kind, one, operation=operation)


def see_again(rows: QuerySet[Finding]) -> None:
    """Note that these are on the platform now; what had gone is back, and nobody's again."""
    rows.update(last_seen_at=Now())
    rows.filter(verdict=Verdict.GONE).update(verdict=Verdict.OPEN)


def settle_known(organization: Organization) -> None:
    """Close what has become an instance here meanwhile: nobody shall be asked to delete that."""
    here = Instance.objects.filter(account=OuterRef("account"), remote_id=OuterRef("remote_id"))
    known = Exists(here.exclude(status=InstanceStatus.DELETED))
    Finding.objects.open().filter(known, organization=organization).update(verdict=Verdict.ADOPTED)

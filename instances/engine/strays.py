"""Find what carries our tag on the platform and is nobody's here; nothing is changed there."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from datetime import datetime

from django.db.models import Exists, F, OuterRef

from instances import tags
from instances.cloud_elements import CloudElementsClient, FoundInstance
from instances.engine import accounts, ahead, findings
from instances.engine.synchronization import Comparison
from instances.models import (
    FINAL,
    Evidence,
    Finding,
    FindingKind,
    Instance,
    Operation,
    OperationState,
    Organization,
    Verdict,
    among,
)

# After these nothing looks for an instance of the operation by itself any more.
SETTLED = (*FINAL, OperationState.NEEDS_PERSON)
LINES_AT_ONCE = 1_000


class OtherAccountError(Exception):
    """The platform answers for another account than before: its list is not this one's."""


def search(
    organization: Organization,
    client: CloudElementsClient,
    *,
    since: datetime,
    before_call: Callable[[], None],
) -> int:
    """
    List every instance of the account, page by page, and write down the strays; return how many.

    The same walk compares what is known here with the list.

    A finding that nobody has decided about, and that a whole list no longer shows, is gone.
    `since` is the database's time at the beginning; `before_call` renews whatever has to be held.

    :raises CloudElementsError: not answered, refused, or not a whole list.
    :raises OtherAccountError: another account answers, at the beginning or at the end.
    """
    comparison = Comparison(organization, since)
    before_call()
    _confirm(organization, client)
    take_in_evidence(organization)
    comparison.begin()
    noticed = 0
    with closing(ahead.read(client.pages_of_instances(), before_call)) as pages:
        for lines, number in ahead.together(pages):
            comparison.take_in(lines, pages=number)
            for start in range(0, len(lines), LINES_AT_ONCE):
                noticed += _take_in(organization, lines[start : start + LINES_AT_ONCE])
    before_call()
    _confirm(organization, client)
    comparison.complete()
    findings.settle_known(organization)
    missing = Finding.objects.open().filter(organization=organization, last_seen_at__lt=since)
    missing.update(verdict=Verdict.GONE)
    return noticed


def take_in_evidence(organization: Organization) -> None:
    """
    Write down answers that came after their operation was settled with another instance.

    Without any call, so also while the platform is away; nothing until its account is known, or
    the same instance would be written down under two names of the account.
    """
    if not organization.account:
        return
    operation = "attempt__operation"
    noted = Finding.objects.filter(operation=OuterRef(operation), remote_id=OuterRef("remote_id"))
    late = (
        Evidence.objects.filter(
            ~Exists(noted),
            attempt__operation__organization=organization,
            attempt__operation__state__in=FINAL,
        )
        .exclude(attempt__operation__instance__remote_id=F("remote_id"))
        .select_related(operation)
    )
    for seen in late.iterator():
        known = Instance.objects.filter(organization=organization, remote_id=seen.remote_id)
        if not known.exists():
            made_by = seen.attempt.operation
            findings.record(organization, FindingKind.LATE, _line(seen), operation=made_by)


def _line(seen: Evidence) -> FoundInstance:
    """Return what the platform's list would say of it."""
    operation = seen.attempt.operation
    return FoundInstance(
        remote_id=seen.remote_id,
        token=None,
        name=operation.payload["name"],
        element_key=operation.payload["element_key"],
        tags=(operation.tag,),
        remote_created_at=None,
    )


def _confirm(organization: Organization, client: CloudElementsClient) -> None:
    if not organization.account:
        accounts.learn_account(organization, client)
    elif accounts.identify(organization, client) != organization.account:
        raise OtherAccountError


def _take_in(organization: Organization, page: Sequence[FoundInstance]) -> int:
    noted = _see_again(organization, [found.remote_id for found in page])
    prefix = tags.prefix()
    new = [
        found
        for found in page
        if found.remote_id not in noted and any(tag.startswith(prefix) for tag in found.tags)
    ]
    known = _known(organization, new)
    unknown = [found for found in new if found.remote_id not in known]
    makers = _makers(unknown)
    return sum(_judge(organization, found, makers) for found in unknown)


def _see_again(organization: Organization, remote_ids: Sequence[int]) -> set[int]:
    """Note that these were listed, and return those of them that are findings already."""
    rows = Finding.objects.filter(account=organization.account, remote_id__among=among(remote_ids))
    noted = set(rows.values_list("remote_id", flat=True))
    if noted:
        findings.see_again(rows)
    return noted


def _known(organization: Organization, listed: Iterable[FoundInstance]) -> set[int]:
    # Where the platform did not tell its id of the account, the origin alone stood for it.
    rows = Instance.objects.filter(
        account__in=[organization.account, organization.origin],
        remote_id__in=[found.remote_id for found in listed],
    )
    return {number for number in rows.values_list("remote_id", flat=True) if number}


def _makers(listed: Iterable[FoundInstance]) -> dict[str, Operation]:
    names = [tag for found in listed for tag in found.tags if tags.is_ours(tag)]
    rows = Operation.objects.filter(tag__in=names).select_related("instance")
    return {operation.tag: operation for operation in rows}


def _judge(organization: Organization, found: FoundInstance, makers: dict[str, Operation]) -> bool:
    made_by = next((makers[tag] for tag in found.tags if tag in makers), None)
    if made_by is None:
        is_stray, kind = any(map(tags.is_genuine, found.tags)), FindingKind.ORPHAN
    else:
        is_stray, kind = _is_late(organization, found, made_by), FindingKind.LATE
    if is_stray:
        findings.record(organization, kind, found, operation=made_by)
    return is_stray


def _is_late(organization: Organization, found: FoundInstance, made_by: Operation) -> bool:
    """Tell whether an operation will not come to `found` by itself."""
    # Another organization with the same account: its own search decides, for its own people.
    if made_by.organization_id != organization.pk:
        return False
    stored = made_by.instance.remote_id if made_by.instance else None
    if stored == found.remote_id:
        return False
    rows = Evidence.objects.filter(attempt__operation=made_by)
    seen = set(rows.values_list("remote_id", flat=True))
    return made_by.state in SETTLED or bool(seen and found.remote_id not in seen)

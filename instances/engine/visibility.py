"""Whether the platform's list shows what exists: only then does what it lacks prove anything."""

from collections.abc import Iterator

from instances.cloud_elements import CloudElementsClient, FoundInstance
from instances.engine.claims import Claim
from instances.models import InstanceStatus, Operation, OperationKind

# How many known instances are asked for: one may have been changed behind our back.
KNOWN_TRIED = 3


def doubt(claim: Claim, client: CloudElementsClient) -> str:
    """
    Return why the list proves nothing, "" if a known instance of ours is found by its tag.

    Where none is known, nothing in the whole account may carry the tag that is looked for.

    :raises CloudElementsError: not answered, or refused.
    """
    operation = claim.operation
    claim.renew()
    # Not what was adopted, or kept from being deleted: that has no tag of its own.
    made = Operation.objects.filter(
        kind=OperationKind.CREATE,
        organization=operation.organization,
        instance__account=operation.organization.account,
        instance__status=InstanceStatus.ACTIVE,
    )
    known = made.exclude(pk=operation.pk).select_related("instance").order_by("-id")[:KNOWN_TRIED]
    if not known:
        is_hidden = _is_anywhere(claim, client)
        return "The platform's list shows our tag only without a filter." if is_hidden else ""
    if not any(_is_listed(claim, client, one) for one in known):
        return "The platform's list does not show an instance that is known."
    return ""


def _is_anywhere(claim: Claim, client: CloudElementsClient) -> bool:
    listed = through(claim, client.pages_of_instances())
    return any(claim.operation.tag in found.tags for found in listed)


def _is_listed(claim: Claim, client: CloudElementsClient, known: Operation) -> bool:
    listed = through(claim, client.pages_of_instances(tag=known.tag))
    return any(found.remote_id == known.made.remote_id for found in listed)


def through(claim: Claim, pages: Iterator[list[FoundInstance]]) -> Iterator[FoundInstance]:
    """
    Yield what is on the pages of a list, which all together may take longer than a lease.

    :raises CloudElementsError: a page was not had.
    :raises HeldBackError: calls are held back meanwhile.
    :raises LeaseLostError: somebody else holds the operation.
    """
    while True:
        claim.renew()
        page = next(pages, None)
        if page is None:
            return
        yield from page

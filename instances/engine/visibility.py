"""Whether the platform's list shows what exists: only then does what it lacks prove anything."""

from instances.cloud_elements import CloudElementsClient
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
    """Look through the whole account, which may take longer than a lease."""
    for page in client.pages_of_instances():
        if any(claim.operation.tag in found.tags for found in page):
            return True
        claim.renew()
    return False


def _is_listed(claim: Claim, client: CloudElementsClient, known: Operation) -> bool:
    claim.renew()
    listed = client.find_instances(tag=known.tag)
    return any(found.remote_id == known.made.remote_id for found in listed)

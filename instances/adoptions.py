"""Ask that lines of the platform's list become instances: for some an admin does, for all the worker."""

import uuid
from collections.abc import Sequence

from django.contrib.auth.models import User

from instances import audit
from instances.models import (
    AuditEntry,
    Instance,
    ListedInstance,
    Operation,
    OperationKind,
    Standing,
    adoptions_under_way,
)


def ask(lines: Sequence[ListedInstance], *, requester: User, owner: User) -> list[Operation]:
    """
    Record the wish that these lines of one organization become instances of `owner`, with its audit.

    In the caller's transaction, which holds the lines. What is here already, or on its way, is left
    out: a comparison that began before may show it as only there once more.
    """
    known = _known(lines)
    lines = [line for line in lines if line.remote_id not in known]
    instances = [_instance(line, owner) for line in lines]
    wishes = [
        _wish(line, instance, requester) for line, instance in zip(lines, instances, strict=True)
    ]
    Instance.objects.bulk_create(instances)
    Operation.objects.bulk_create(wishes)
    for line, instance in zip(lines, instances, strict=True):
        line.instance, line.standing = instance, Standing.MATCHES
    ListedInstance.objects.bulk_update(lines, ["instance", "standing"], batch_size=200)
    AuditEntry.objects.bulk_create(_entry(wish, owner) for wish in wishes)
    return wishes


def _entry(wish: Operation, owner: User) -> AuditEntry:
    return audit.entry(
        wish.requester,
        "instance.adoption_requested",
        wish.made,
        remote_id=wish.remote_id,
        owner=owner.get_username(),
    )


def _known(lines: Sequence[ListedInstance]) -> set[int]:
    if not lines:
        return set()
    organization = lines[0].organization
    numbers = [line.remote_id for line in lines]
    here = Instance.objects.filter(
        account__in=[organization.account, organization.origin], remote_id__in=numbers
    )
    coming = adoptions_under_way(organization).filter(remote_id__in=numbers)
    known = [*here.values_list("remote_id", flat=True), *coming.values_list("remote_id", flat=True)]
    return {number for number in known if number}


def _instance(line: ListedInstance, owner: User) -> Instance:
    return Instance(
        organization_id=line.organization_id,
        owner=owner,
        name=line.name or f"Instance {line.remote_id}",
        element_key=line.element_key,
    )


def _wish(line: ListedInstance, instance: Instance, requester: User) -> Operation:
    wish = Operation(
        kind=OperationKind.ADOPT,
        instance=instance,
        organization_id=line.organization_id,
        requester=requester,
        remote_id=line.remote_id,
        client_request_id=uuid.uuid4(),
        payload={
            "element_key": line.element_key,
            "name": instance.name,
            "tags": [],
            "account": line.organization.account,
        },
    )
    wish.tag = f"adopt-{wish.code}"
    return wish

"""What is known here of the instances on one page of the platform's list, in a few lean queries."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from instances.cloud_elements import FoundInstance
from instances.engine.standing import Known, Ours
from instances.models import (
    Instance,
    InstanceStatus,
    InstanceTag,
    Organization,
    adoptions_under_way,
    among,
)

COMPARED = ("pk", "organization", "status", "remote_id", "name", "is_disabled", "has_events")


def of(
    organization: Organization, page: Sequence[FoundInstance], before: Mapping[int, Known]
) -> dict[int, Ours]:
    """Return what is compared of each that is here, or being adopted, by its number."""
    # Long, and few lists tell it: read only where there is something to compare it with.
    told = ("configuration",) if any(found.configuration for found in page) else ()
    here = _rows(organization, [found.remote_id for found in page], told)
    taken = (row for row in before.values() if row.instance and row.remote_id not in here)
    return here | _coming(organization, [row.remote_id for row in taken])


def _rows(
    organization: Organization, numbers: Sequence[int], told: Iterable[str]
) -> dict[int, Ours]:
    """Return rows of the account, whichever organization they belong to."""
    # Where the platform did not tell its id of the account, the origin alone stood for it.
    rows = Instance.objects.filter(
        account__in=[organization.account, organization.origin], remote_id__among=among(numbers)
    ).exclude(status=InstanceStatus.DELETED)
    found = list(rows.values_list(*COMPARED, *told))
    tags = _tags([row[0] for row in found])
    return {
        number: Ours(
            pk=pk,
            is_ready=status == InstanceStatus.ACTIVE,
            is_others=belongs_to != organization.pk,
            name=name,
            tags=tags[pk],
            is_disabled=is_disabled,
            has_events=has_events,
            configuration=more[0] if more else {},
        )
        for pk, belongs_to, status, number, name, is_disabled, has_events, *more in found
    }


def _tags(instances: Sequence[UUID]) -> dict[UUID, list[str]]:
    found: dict[UUID, list[str]] = {pk: [] for pk in instances}
    if instances:
        rows = InstanceTag.objects.filter(instance__in=instances)
        for pk, name in rows.values_list("instance", "name"):
            found[pk].append(name)
    return found


def _coming(organization: Organization, numbers: Sequence[int]) -> dict[int, Ours]:
    """Return what is being adopted: its row has no number yet, and its line is taken."""
    if not numbers:
        return {}
    rows = adoptions_under_way(organization).filter(remote_id__in=numbers)
    pairs = rows.values_list("remote_id", "instance")
    return {number: Ours(pk=pk, is_ready=False) for number, pk in pairs if number}

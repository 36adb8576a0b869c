"""What operations claimed together share: opened secrets and answered questions of rights."""

from functools import partial
from uuid import UUID

from instances import access
from instances.access import Action
from instances.cloud_elements import CloudElementsClient
from instances.engine import accounts, calls
from instances.models import Operation, Organization


class Batch:
    """Asked and opened once for all of them, and forgotten with the last."""

    def __init__(self) -> None:
        self._clients: dict[UUID, CloudElementsClient] = {}
        self._rights: dict[tuple[int, UUID], bool] = {}

    def client_for(self, organization: Organization) -> CloudElementsClient:
        """
        Return the client for an organization.

        :raises UnreadableError: a secret does not open.
        """
        if organization.pk not in self._clients:
            callable_ = Organization.objects.callable().filter(pk=organization.pk)
            during = partial(calls.one_of_many, may_call=callable_.exists)
            client = accounts.client_for(organization, during=during)
            self._clients[organization.pk] = client
        return self._clients[organization.pk]

    def may_create(self, operation: Operation) -> bool:
        """Tell whether the requester may still create in the organization."""
        asked = (operation.requester_id, operation.organization_id)
        if asked not in self._rights:
            self._rights[asked] = access.can(
                operation.requester, Action.CREATE, operation.organization
            )
        return self._rights[asked]

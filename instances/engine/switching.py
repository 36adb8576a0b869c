"""Disable or enable an instance: what is sent, and how it shows that it is so."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from instances.cloud_elements import CloudElementsClient, RemoteInstance
from instances.models import Operation, OperationKind


@dataclass(frozen=True)
class Switch:
    """The wish that an instance takes calls, or that it does not."""

    is_to_be_disabled: bool
    secrets: Sequence[str] = ()
    is_visible: bool = True

    @classmethod
    def of(cls, operation: Operation) -> "Switch":
        """Return what `operation` wishes for."""
        return cls(operation.kind == OperationKind.DISABLE)

    def missing(self, remote: RemoteInstance) -> list[str]:
        """Return what an answered request left undone; what the platform does not tell is taken as done."""
        is_so = remote.is_disabled in (self.is_to_be_disabled, None)
        return [] if is_so else ["disabled" if self.is_to_be_disabled else "enabled"]

    def is_proven(self, remote: RemoteInstance, *, was_sent: bool) -> bool:
        """Tell whether the instance itself shows that nothing has to be sent."""
        return remote.is_disabled is self.is_to_be_disabled

    def is_ignored(self, remote: RemoteInstance) -> bool:
        """Tell whether an answered request changed nothing of what was asked for."""
        return bool(self.missing(remote))

    def send(
        self, client: CloudElementsClient, remote: RemoteInstance, tell: Callable[[str], None]
    ) -> None:
        """Send the request; `tell` gets the connected address right before the first byte."""
        send = client.disable_instance if self.is_to_be_disabled else client.enable_instance
        send(remote.remote_id, before_send=tell)

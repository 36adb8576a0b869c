"""What every kind of change of an instance can tell about itself."""

from collections.abc import Callable, Sequence
from typing import Protocol

from instances.cloud_elements import CloudElementsClient, RemoteInstance


class ErasedError(Exception):
    """The values to send were erased after their time."""


class Change(Protocol):
    """One kind of change, for one operation: what is sent, and how it shows that it is made."""

    @property
    def secrets(self) -> Sequence[str]:
        """What is sent and must not come back into a row."""

    @property
    def is_visible(self) -> bool:
        """Whether an instance that does not show it proves that it was not made."""

    def is_proven(self, remote: RemoteInstance, *, was_sent: bool) -> bool:
        """Tell whether the instance itself shows that nothing has to be sent (any more)."""

    def missing(self, remote: RemoteInstance) -> list[str]:
        """Return what an answered request left undone, in words."""

    def is_ignored(self, remote: RemoteInstance) -> bool:
        """Tell whether an answered request changed nothing of what was asked for."""

    def send(
        self, client: CloudElementsClient, remote: RemoteInstance, tell: Callable[[str], None]
    ) -> None:
        """Send the request; `tell` gets the connected address right before the first byte."""

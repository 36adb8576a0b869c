"""Give an instance new credentials under its id: what is sent, and what then tells of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from instances.cloud_elements import ChangeInstance, CloudElementsClient, RemoteInstance
from instances.engine import comparing
from instances.engine.editing import opened
from instances.models import Operation
from instances.secret_names import MASK

INVALID = "an instance that is not valid, so the provider did not take the credentials"


@dataclass(frozen=True)
class Reauthentication:
    """The wish that the provider is called with these credentials."""

    before: Mapping[str, str | None]
    configuration: Mapping[str, str | bool] = field(repr=False)
    # What somebody's consent at the provider brought.
    brought: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, operation: Operation) -> "Reauthentication":
        """Return what `operation` wishes for. :raises ErasedError: the credentials are gone."""
        return cls(before=operation.made.configuration, configuration=opened(operation))

    @property
    def is_visible(self) -> bool:
        """A password that is not in use shows nowhere either."""
        return False

    @property
    def secrets(self) -> Sequence[str]:
        """What is sent under a name that hides it, wherever the platform echoes it."""
        visible = comparing.visible(self.configuration)
        values = self.configuration.items()
        return [text for key, text in values if isinstance(text, str) and key not in visible]

    def is_proven(self, remote: RemoteInstance, *, was_sent: bool) -> bool:
        """
        Tell whether a request that left took effect: all that is visible of it changed since.

        Before one left, nothing is proven: a password that is in use shows nowhere.
        """
        wanted = comparing.visible(self.configuration)
        # What was hidden before tells nothing: it may have been the same.
        before = {key: self.before.get(key) or "" for key in wanted}
        told = [key for key, value in wanted.items() if before[key] not in (value, MASK)]
        is_it = not comparing.differing(self.configuration, remote)
        return was_sent and bool(told) and is_it and remote.is_valid is not False

    def missing(self, remote: RemoteInstance) -> list[str]:
        """Return what the platform shows otherwise than it was asked for."""
        invalid = [INVALID] if remote.is_valid is False else []
        return comparing.differing(self.configuration, remote) + invalid

    def is_ignored(self, remote: RemoteInstance) -> bool:
        """Tell whether all that is visible of it is as before."""
        wanted = comparing.visible(self.configuration)
        return bool(wanted) and len(comparing.differing(self.configuration, remote)) == len(wanted)

    def send(
        self, client: CloudElementsClient, remote: RemoteInstance, tell: Callable[[str], None]
    ) -> None:
        """Send what was typed, and nothing of what is kept."""
        change = ChangeInstance(configuration=self.configuration, provider_data=self.brought)
        client.change_instance(remote.remote_id, change, before_send=tell)

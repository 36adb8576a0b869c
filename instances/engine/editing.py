"""Edit name, tags and single configuration values: what is sent, and how it shows that it is so."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from instances import tags, vault
from instances.cloud_elements import ChangeInstance, CloudElementsClient, RemoteInstance
from instances.engine import comparing
from instances.engine.changes import ErasedError
from instances.models import Operation, OperationKind, OperationSecret


def opened(operation: Operation) -> dict[str, str | bool]:
    """
    Return the configuration values that an operation sends.

    :raises ErasedError: they were erased after their time.
    :raises UnreadableError: they do not open.
    """
    if not operation.payload.get("configuration_keys"):
        return {}
    held = OperationSecret.objects.filter(operation=operation).select_related("operation").first()
    if held is None:
        raise ErasedError
    sealed = vault.open_sealed(held, "sealed", purpose=vault.Purpose.CHANGE)
    values: dict[str, str | bool] = json.loads(sealed.reveal())
    return values


@dataclass(frozen=True)
class Edit:
    """The wish that an instance has this name, these tags, and these values."""

    name: str
    old_name: str
    added: Sequence[str]
    removed: Sequence[str]
    own_tag: str
    configuration: Mapping[str, str | bool] = field(repr=False)

    @classmethod
    def of(cls, operation: Operation) -> "Edit":
        """Return what `operation` wishes for. :raises ErasedError: its values are gone."""
        asked, instance = operation.payload, operation.made
        made_by = instance.operations.filter(kind__in=(OperationKind.CREATE, OperationKind.ADOPT))
        return cls(
            name=asked.get("name", ""),
            old_name=instance.name,
            added=asked.get("tags_added", []),
            removed=[tag for tag in asked.get("tags_removed", []) if not tags.is_ours(tag)],
            own_tag=made_by.values_list("tag", flat=True).first() or "",
            configuration=opened(operation),
        )

    @property
    def secrets(self) -> Sequence[str]:
        """Nothing that is sent is hidden, but by its name."""
        return ()

    @property
    def is_visible(self) -> bool:
        """Whether the platform shows every value as it is."""
        return len(comparing.visible(self.configuration)) == len(self.configuration)

    def is_proven(self, remote: RemoteInstance, *, was_sent: bool) -> bool:
        """Tell whether the instance shows all of it; what is hidden never shows."""
        is_named = not self.name or remote.name == self.name
        return (
            is_named
            and self.is_visible
            and not self._tags_missing(remote)
            and not self._keys(remote)
        )

    def missing(self, remote: RemoteInstance) -> list[str]:
        """Return what the platform shows otherwise than it was asked for."""
        words = [f"the name “{remote.name}”"] if self.name not in ("", remote.name) else []
        words += ["other tags"] if self._tags_missing(remote) else []
        return words + self._keys(remote)

    def is_ignored(self, remote: RemoteInstance) -> bool:
        """Tell whether all of it is as before: a name that came out otherwise was not ignored."""
        is_named = not self.name or remote.name != self.old_name
        asked = len(self.configuration) + bool(self.name) + bool(self.added or self.removed)
        return len(self.missing(remote)) == asked and not (self.name and is_named)

    def send(
        self, client: CloudElementsClient, remote: RemoteInstance, tell: Callable[[str], None]
    ) -> None:
        """Send nothing but what changes; tags are merged into those that the instance has now."""
        change = ChangeInstance(
            name=self.name or None,
            tags=self._merged(remote) if self.added or self.removed else None,
            configuration=self.configuration,
        )
        client.change_instance(remote.remote_id, change, before_send=tell)

    def _merged(self, remote: RemoteInstance) -> tuple[str, ...]:
        kept = [tag for tag in remote.tags if tag not in self.removed]
        own = [self.own_tag] if tags.is_ours(self.own_tag) else []
        return tuple(dict.fromkeys([*kept, *self.added, *own]))

    def _tags_missing(self, remote: RemoteInstance) -> bool:
        return not set(self.added) <= set(remote.tags) or bool(set(self.removed) & set(remote.tags))

    def _keys(self, remote: RemoteInstance) -> list[str]:
        return comparing.differing(self.configuration, remote)

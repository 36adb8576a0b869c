"""Ask for a change of name, tags or single values, as long as nobody changed them meanwhile."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from instances import entries
from instances.models import AuditEntry, Instance, Operation, OperationKind
from instances.operations.lifecycle import ask, require_changeable
from instances.tags import is_ours, without_ours

NAME, TAGS = "Name", "Tags"


class NothingChangesError(Exception):
    """What is asked for is how it is."""


class MaskTypedError(Exception):
    """A hidden value would be sent as a real one; `keys` names the entries."""

    def __init__(self, keys: Sequence[str]) -> None:
        self.keys = list(keys)
        super().__init__("A hidden value was typed as a real one: " + ", ".join(keys))


class EditedMeanwhileError(Exception):
    """Somebody changed the instance since it was shown."""


@dataclass(frozen=True)
class Edition:
    """What can be edited of an instance, as it was or is to be."""

    name: str
    tags: tuple[str, ...]
    values: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, instance: Instance) -> "Edition":
        """Return how it stands in `instance`."""
        return cls(
            name=instance.name,
            tags=tuple(without_ours(instance.tag_names)),
            values=entries.editable(instance.configuration),
        )

    def texts(self) -> dict[str, str]:
        """Return each part by what it is called, as text."""
        return {NAME: self.name, TAGS: ", ".join(self.tags), **self.values}


@dataclass(frozen=True)
class Difference:
    """One part of an edition that is to change, or did."""

    what: str
    before: str
    after: str


def differences(before: Edition, after: Edition) -> list[Difference]:
    """Return what differs, part by part; the order of tags is none."""
    if set(before.tags) == set(after.tags):
        after = Edition(after.name, before.tags, after.values)
    old, new = before.texts(), after.texts()
    return [
        Difference(what, old.get(what, ""), new.get(what, ""))
        for what in dict.fromkeys([*old, *new])
        if old.get(what, "") != new.get(what, "")
    ]


def changed_by(instance: Instance, since: datetime) -> list[AuditEntry]:
    """Return who changed the instance, or asked for it, since then, newest first."""
    rows = AuditEntry.objects.filter(object_id=str(instance.pk), at__gt=since, actor__isnull=False)
    return list(rows.filter(action__endswith=".requested").order_by("-pk")[:5])


def request_instance_edit(
    *,
    requester: User,
    instance: Instance,
    seen: Edition,
    wanted: Edition,
    follow_up: Mapping[str, object] | None = None,
) -> Operation:
    """
    Ask that the instance becomes as `wanted`; sent is only what differs from what was `seen`.

    Tags are told apart one by one, so that what others added meanwhile stays; ours always stays.
    `follow_up` is what the worker does when that has ended, as with `request_instance_switch`.

    :raises NotAllowedError: the requester may not manage the instance.
    :raises NothingChangesError: nothing differs.
    :raises MaskTypedError: a value is, or holds, the sign for a hidden one.
    :raises EditedMeanwhileError: it is not as it was seen any more.
    :raises NotChangeableError: something else is under way with it.
    :raises SwitchedOffError: its organization is switched off.
    """
    require_changeable(requester, instance)
    changes = differences(seen, wanted)
    if not changes:
        raise NothingChangesError
    values = {one.what: one.after for one in changes if one.what not in (NAME, TAGS)}
    if masked := [key for key, value in values.items() if entries.holds_mask(value)]:
        raise MaskTypedError(masked)
    with transaction.atomic():
        asked = _asked(seen, wanted) | {"changes": [one.what for one in changes]}
        asked |= dict(follow_up or {})
        operation = ask(OperationKind.EDIT, requester, instance, asked, values)
        # Read again now that nobody else can change it.
        if differences(seen, Edition.of(Instance.objects.get(pk=instance.pk))):
            raise EditedMeanwhileError
    return operation


def _asked(seen: Edition, wanted: Edition) -> dict[str, object]:
    asked: dict[str, object] = {"name": wanted.name} if wanted.name != seen.name else {}
    added = [tag for tag in wanted.tags if tag not in seen.tags and not is_ours(tag)]
    removed = [tag for tag in seen.tags if tag not in wanted.tags and not is_ours(tag)]
    return asked | {"tags_added": added, "tags_removed": removed}

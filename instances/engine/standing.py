"""How one line of the platform's list stands to what is known here."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from instances import entries, tags
from instances.cloud_elements import FoundInstance
from instances.models import SIGN_IN, Standing


class Told(NamedTuple):
    """What a line says and means; what says the same as before is only seen again."""

    digest: str
    standing: str
    differences: list[str]
    entries: dict[str, str | None]
    instance: UUID | None


class Known(NamedTuple):
    """A line as it was written down before: what most lines are compared by."""

    remote_id: int
    digest: str
    standing: str
    instance: UUID | None
    ignored_digest: str


class Differing(NamedTuple):
    """What was written down of a line besides, for the few that differ."""

    remote_id: int
    differences: list[str]
    entries: dict[str, str | None]
    last_seen_at: datetime
    differs_since: datetime | None
    matched_at: datetime | None


@dataclass(frozen=True)
class Ours:
    """What is compared of an instance that is here, or on its way."""

    pk: UUID
    is_ready: bool
    # Of another organization with the same account: that one's own comparison tells its people.
    is_others: bool = False
    name: str = ""
    tags: Collection[str] = ()
    is_disabled: bool | None = None
    has_events: bool | None = None
    configuration: Mapping[str, str | None] = field(default_factory=dict, repr=False)


def judge(found: FoundInstance, here: Ours | None, before: Known | None) -> Told:
    """Tell how a line stands to what is here, and to how it was written down before."""
    digest = digest_of(found)
    if here is not None and here.is_others:
        return Told(digest, Standing.MATCHES.value, [], {}, None)
    differing = differences(here, found) if here else []
    told = differing_entries(here, found) if here else {}
    is_ignored = before is not None and digest == before.ignored_digest
    is_pushed = before is not None and before.standing == Standing.PUSHED
    standing = _standing(found, here, differing, is_ignored=is_ignored, is_pushed=is_pushed)
    if standing == Standing.MATCHES:
        differing, told = [], {}
    return Told(digest, standing.value, differing, told, here.pk if here else None)


def digest_of(found: FoundInstance) -> str:
    """Return SHA-256, in hex, of what a line tells, in one canonical form."""
    told: list[object] = [found.name, found.element_key, sorted(found.tags)]
    told += [found.is_valid, found.is_disabled]
    # Where a list does not tell these, the digest is the one of before they were compared.
    told += [] if found.has_events is None else [found.has_events]
    told += [sorted(found.configuration.items())] if found.configuration else []
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def differences(here: Ours, found: FoundInstance) -> list[str]:
    """Name what differs from what the list tells; what it does not tell does not."""
    differing = []
    if found.name and found.name != here.name:
        differing.append("name")
    if set(found.tags) != set(here.tags):
        differing.append("tags")
    if found.is_disabled is not None and found.is_disabled != bool(here.is_disabled):
        differing.append("disabled")
    if None not in (found.has_events, here.has_events) and found.has_events != here.has_events:
        differing.append("events")
    keys = differing_entries(here, found)
    if not all(map(entries.is_credential, keys)):
        differing.append("configuration")
    if any(map(entries.is_credential, keys)):
        differing.append(SIGN_IN)
    return differing


def differing_entries(here: Ours, found: FoundInstance) -> dict[str, str | None]:
    """
    Return entries that both sides show and that differ, as they are there.

    Those that a person edits, and what it signs in with as far as that is shown. Secrets are hidden
    on both sides, and what the platform sets by itself changes without anybody's doing.
    """
    if not found.configuration:
        return {}
    shown = entries.editable(here.configuration) | entries.sign_in(here.configuration)
    return {
        key: found.configuration[key]
        for key, ours in shown.items()
        if key in found.configuration
        and (theirs := found.configuration[key] or "") != ours
        and not entries.holds_mask(theirs)
    }


def is_same(told: Told, before: Known | None, differing: Differing | None) -> bool:
    """Tell whether a line says and means what is written down already."""
    if before is None or told[:2] != before[1:3] or told.instance != before.instance:
        return False
    written = (differing.differences, differing.entries) if differing else ([], {})
    return not told.differences or (told.differences, told.entries) == written


def since(told: Told, differing: Differing | None, began: datetime) -> dict[str, datetime | None]:
    """Return since which comparison a line differs, and which was the last that did not show that."""
    if not told.differences:
        return {"differs_since": None, "matched_at": None}
    if differing is None:
        return {"differs_since": began, "matched_at": None}
    if differing.differs_since is None:
        return {"differs_since": began, "matched_at": differing.last_seen_at}
    return {"differs_since": differing.differs_since, "matched_at": differing.matched_at}


def _standing(
    found: FoundInstance,
    here: Ours | None,
    differing: list[str],
    *,
    is_ignored: bool,
    is_pushed: bool,
) -> Standing:
    if here is None and any(map(tags.is_genuine, found.tags)):
        return Standing.TAGGED
    # What is being changed or deleted here differs for a while, and then no more.
    if here is not None and not (differing and here.is_ready):
        return Standing.PUSHED if is_pushed and not here.is_ready else Standing.MATCHES
    if is_ignored:
        return Standing.IGNORED
    return Standing.CHANGED if here else Standing.ONLY_THERE

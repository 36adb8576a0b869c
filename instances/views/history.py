"""The record of one instance in plain words."""

from dataclasses import dataclass
from datetime import datetime

from instances.models import AuditEntry, HealthState, ShareLevel
from instances.views.diagnosis import OTHER, PROBLEMS, TONES

# What an action of the record is called, with the color and the icon it gets.
WORDS = {
    "instance.requested": ("Requested", "info", "send"),
    "instance.created": ("Created on the platform", "ok", "check"),
    "instance.adopted": ("Found on the platform and adopted", "ok", "check"),
    "instance.rejected": ("Refused by the platform", "bad", "circle-x"),
    "instance.canceled": ("Canceled", "off", "ban"),
    "instance.needs_person": ("Handed to a person", "bad", "circle-alert"),
    "instance.cancel_requested": ("Taken back, its outcome comes first", "warn", "ban"),
    "instance.adoption_requested": ("Adoption asked for", "info", "search"),
    "instance.deletion_requested": ("Deletion asked for", "warn", "trash-2"),
    "instance.deletion_planned": ("Disabled, and to be deleted", "warn", "trash-2"),
    "instance.deletion_undone": ("Deletion undone", "info", "undo-2"),
    "instance.deleted": ("Deleted on the platform", "off", "trash-2"),
    "edit.requested": ("Editing asked for", "info", "pencil"),
    "reauthenticate.requested": ("Re-authentication asked for", "info", "key-round"),
    "instance.edited": ("Edited on the platform", "ok", "pencil"),
    "instance.reauthenticated": ("Re-authenticated on the platform", "ok", "key-round"),
    "disable.requested": ("Disabling asked for", "warn", "power"),
    "enable.requested": ("Enabling asked for", "info", "power"),
    "instance.disabled": ("Disabled on the platform", "off", "power"),
    "instance.enabled": ("Enabled on the platform", "ok", "power"),
    "instance.drift_accepted": ("The platform's values taken over", "info", "check"),
    "instance.drift_pushed": ("To be made on the platform as it is here", "info", "send"),
    "instance.token_changed": ("The platform gave it another token", "warn", "key-round"),
    "change.refused": ("Not changed", "bad", "circle-x"),
    "change.canceled": ("Change canceled", "off", "ban"),
    "change.cancel_requested": ("Change taken back, its outcome comes first", "warn", "ban"),
    "instance.not_deleted": ("Not deleted", "bad", "circle-x"),
    "rotation.requested": ("Rotation asked for", "info", "refresh-cw"),
    "rotation.proven": ("The new one was tested: both work", "ok", "check"),
    "rotation.leaving": ("Rotation: the old one is disabled and deleted", "warn", "refresh-cw"),
    "rotation.halted": ("The rotation stands still", "bad", "circle-alert"),
    "rotation.done": ("Rotated", "ok", "refresh-cw"),
    "rotation.ended": ("Rotation ended: the old one stays", "off", "undo-2"),
    "rotation.finish": ("Rotation: decided to finish now", "warn", "refresh-cw"),
    "rotation.longer": ("Rotation: decided to keep both longer", "info", "clock"),
    "rotation.vouch": ("Rotation: the new one was tried, and works", "info", "check"),
    "rotation.go_on": ("Rotation: decided to go on", "info", "refresh-cw"),
    "rotation.undo": ("Rotation undone: the old one stays", "info", "undo-2"),
    "decision.look": ("Decided: look again", "info", "search"),
    "decision.create": ("Decided: create again", "warn", "send"),
    "decision.mark": ("Decided: marked as not created", "off", "ban"),
    "decision.adopt": ("Decided: adopt one of them", "ok", "check"),
    "decision.not_ours": ("Decided: not ours", "info", "x"),
    "instance.look_requested": ("Asked to look now", "info", "search"),
    "instance.shared": ("Shared", "info", "share-2"),
    "share.changed": ("Share changed", "info", "share-2"),
    "share.removed": ("Share removed", "warn", "x"),
    "instance.handed_over": ("Handed over", "info", "users"),
    "token.sight_accepted": ("Accepted that its token is known", "info", "eye"),
    "token.revealed": ("Token revealed", "warn", "eye"),
    "token.copied": ("Token copied", "warn", "copy"),
    "sign_in.done": ("Signed in", "ok", "circle-user"),
    "sign_in.failed": ("Tried to sign in", "bad", "circle-user"),
    "sign_out.done": ("Signed out", "off", "log-out"),
    "preferences.changed": ("Notification choices changed", "info", "bell"),
    "webhook.added": ("Webhook added", "warn", "send"),
    "webhook.changed": ("Webhook changed", "info", "send"),
    "webhook.secret_replaced": ("Webhook given another secret", "warn", "key-round"),
    "webhook.removed": ("Webhook removed", "warn", "trash-2"),
    "webhook.tested": ("Webhook tested", "info", "send"),
    "webhook.redelivered": ("Webhook message sent again", "info", "send"),
    "password.changed": ("Password changed", "info", "key-round"),
    "key.made": ("API key made", "info", "key-round"),
    "key.rotated": ("API key given a successor", "info", "refresh-cw"),
    "key.revoked": ("API key revoked", "warn", "ban"),
    "key.refused": ("API key refused", "bad", "circle-x"),
    "access.refused": ("Was refused", "bad", "ban"),
    "audit.exported": ("Audit record exported", "warn", "download"),
    "backup.noted": ("Backup noted as complete", "ok", "server"),
    "health.test_requested": ("Test asked for", "info", "heart-pulse"),
    "health.changed": ("Health changed", "info", "heart-pulse"),
}


@dataclass(frozen=True)
class Event:
    """One line of the timeline."""

    at: datetime
    title: str
    tone: str
    icon: str
    who: str
    detail: str
    request_id: str
    address: str = ""
    source: str = "Done here"


# Entries of the detail that name what changed.
TELLING = ("changes", "keys", "differences")


def event_of(entry: AuditEntry) -> Event:
    """Tell one entry of the record."""
    plain = entry.action.replace(".", " ").replace("_", " ").capitalize()
    title, tone, icon = WORDS.get(entry.action, (plain, "info", "info"))
    if entry.action == "health.changed":
        title, tone, icon = _health(entry)
    return Event(
        at=entry.at,
        title=title,
        tone=tone,
        icon=icon,
        who="Elementdesk" if entry.actor_name == "worker" else entry.actor_name,
        detail=_detail(entry),
        request_id=entry.request_id,
    )


def _health(entry: AuditEntry) -> tuple[str, str, str]:
    """Tell a change of health by what it became."""
    named = str(entry.detail.get("state"))
    state = HealthState(named) if named in HealthState.values else HealthState.UNKNOWN
    was = str(entry.detail.get("was"))
    before = HealthState(was).label.lower() if was in HealthState.values else was
    return f"Health: {state.label.lower()}, was {before}", *TONES[state]


def _detail(entry: AuditEntry) -> str:
    if entry.action == "health.changed" and entry.detail.get("problem"):
        return PROBLEMS.get(str(entry.detail["problem"]), OTHER)[0].rstrip(".")
    if reason := entry.detail.get("reason"):
        return f"Reason: {reason}"
    if entry.action == "instance.handed_over":
        return f"From {entry.detail.get('was')} to {entry.detail.get('to')}"
    if changes := next(filter(None, map(entry.detail.get, TELLING)), None):
        return ", ".join(changes)
    recipient, level = entry.detail.get("recipient"), entry.detail.get("level")
    if not recipient:
        return ""
    label = ShareLevel(level).label.lower() if level in ShareLevel.values else str(level)
    until = str(entry.detail.get("until") or "")[:10]
    return f"With {recipient} ({label}){f', until {until}' if until else ''}"

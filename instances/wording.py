"""What a notice says: the same few fixed sentences in the bell, in mails and in webhooks."""

from typing import NamedTuple

from django.conf import settings
from django.urls import reverse

from instances.models import Notice, NoticeKind, OperationKind

K = NoticeKind
NAME_LENGTH = 120
# Color and icon of each kind, as pages show the states that they speak of.
LOOKS = {
    K.CREATED: ("ok", "circle-check"),
    K.FAILED: ("bad", "circle-x"),
    K.UNKNOWN: ("unknown", "circle-question-mark"),
    K.ACTION_NEEDED: ("bad", "triangle-alert"),
    K.RECOVERED: ("ok", "heart-pulse"),
    K.SHARED: ("info", "share-2"),
    K.SHARE_EXPIRING: ("warn", "clock"),
    K.SECRETS_REFUSED: ("bad", "lock"),
    K.WEBHOOK_OFF: ("bad", "send"),
}
FAILED = {
    OperationKind.CREATE: "It was not created: the request was refused.",
    OperationKind.ADOPT: "It was not adopted.",
    OperationKind.DELETE: "It was not deleted: the request was refused.",
}
SENTENCES = {
    K.CREATED: "It exists on the platform and is ready to be used.",
    K.FAILED: "The change was not made; it is as it was before.",
    K.UNKNOWN: "A request got no answer, so nobody knows yet what became of it. It is being looked up.",
    K.ACTION_NEEDED: "No machine can settle what became of a request: somebody has to decide.",
    K.RECOVERED: "What became of the request is known now: it was carried out.",
    K.SHARED: "It was shared with you.",
    K.SHARE_EXPIRING: "The time for which it is shared ends soon.",
    K.SECRETS_REFUSED: "The platform refuses the organization's secrets. Nothing is sent until both are replaced.",
    K.WEBHOOK_OFF: "Nothing could be delivered to it for days, so it was switched off.",
}
# What another subject has to say.
OTHERWISE = {
    (K.ACTION_NEEDED, "health"): "Its checks say that it does not work until somebody acts.",
    (
        K.ACTION_NEEDED,
        "finding",
    ): "It was found on the platform with a tag of ours: somebody has to decide about it.",
    (K.RECOVERED, "health"): "Its checks say that it works again.",
    (
        K.RECOVERED,
        "secrets",
    ): "The platform accepts the organization's secrets again; what waited goes on.",
    (
        K.SECRETS_REFUSED,
        "candidate",
    ): "The platform refused the new secrets. Those of before stay in use.",
}


class Words(NamedTuple):
    """A notice as people read it."""

    label: str
    # Plain text of one line; whoever writes HTML escapes it.
    name: str
    sentence: str
    path: str
    tone: str
    icon: str

    @property
    def link(self) -> str:
        """The whole address, empty where the server does not know its own."""
        address: str = settings.OAUTH["ADDRESS"]
        return f"{address.rstrip('/')}{self.path}" if address else ""


def words(notice: Notice) -> Words:
    """Return what `notice` says, under the name that its subject has now."""
    kind = NoticeKind(notice.kind)
    subject = notice.finding or notice.instance
    name, path = str(subject or notice.organization), ""
    if notice.about == "webhook":
        name, path = notice.name, reverse("instances:webhooks", args=[notice.organization_id])
    path = path or (subject or notice.organization).get_absolute_url()
    return Words(kind.label, one_line(name), _sentence(notice, kind), path, *LOOKS[kind])


def public_words(notice: Notice) -> Words:
    """Return what `notice` says to others than people: not who shares with whom."""
    told = words(notice)
    if notice.kind != K.SHARED:
        return told
    return told._replace(label="Shared", sentence="It was shared with a person or a team.")


def _sentence(notice: Notice, kind: NoticeKind) -> str:
    if kind == K.FAILED and notice.about in FAILED:
        return FAILED[OperationKind(notice.about)]
    share = notice.share
    if share is not None and share.expires_at is not None:
        until = f"{share.expires_at:%-d %B %Y, %H:%M} UTC"
        if kind == K.SHARE_EXPIRING:
            return f"The time for which it is shared ends on {until}."
        return (
            f"{one_line(str(share.granted_by))} shared it with you ({share.level}) until {until}."
        )
    if share is not None and kind == K.SHARED:
        return f"{one_line(str(share.granted_by))} shared it with you ({share.level})."
    return OTHERWISE.get((kind, notice.about), SENTENCES[kind])


def one_line(text: str) -> str:
    """Return a name without what breaks a line or turns the direction of writing, and not too long."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    shown = " ".join(plain.split())
    return shown if len(shown) <= NAME_LENGTH else f"{shown[: NAME_LENGTH - 1]}…"

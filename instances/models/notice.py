"""What people are told of: written with the change itself, spread to each of them later (an outbox)."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from instances.models.identity import new_id
from instances.models.instance import Instance
from instances.models.organization import Organization


class NoticeKind(models.TextChoices):
    """What happened, in the words of pages, mails and webhooks."""

    CREATED = "created", "Created"
    FAILED = "failed", "Failed"
    UNKNOWN = "unknown", "Outcome unknown"
    ACTION_NEEDED = "action_needed", "Action needed"
    RECOVERED = "recovered", "Recovered"
    SHARED = "shared", "Shared with you"
    SHARE_EXPIRING = "share_expiring", "Share expiring"
    SECRETS_REFUSED = "secrets_refused", "Secrets refused"
    WEBHOOK_OFF = "webhook_off", "Webhook off"


class MailChoice(models.TextChoices):
    """When somebody wants a mail."""

    OFF = "off", "No e-mail"
    NOW = "now", "E-mail at once"
    DAILY = "daily", "In the daily digest"


class MailState(models.TextChoices):
    """What became of the mail about one notification."""

    NONE = "none", "No mail"
    NOW = "now", "Waiting"
    DAILY = "daily", "Waiting for the digest"
    SENT = "sent", "Sent"
    DROPPED = "dropped", "Not sent: no right any more"
    GIVEN_UP = "given_up", "Given up"


WAITING = (MailState.NOW, MailState.DAILY)
# What somebody gets who never chose: what needs somebody at once, the rest in the digest or only here.
USUAL_MAIL = {
    NoticeKind.CREATED: MailChoice.OFF,
    NoticeKind.UNKNOWN: MailChoice.DAILY,
    NoticeKind.RECOVERED: MailChoice.DAILY,
}


class NoticeQuerySet(models.QuerySet["Notice"]):
    """Questions asked of what happened, and how it is written down."""

    def note(self, *notices: "Notice") -> None:
        """Write these down in the caller's transaction; one whose key is there already changes nothing."""
        if notices:
            self.bulk_create(notices, ignore_conflicts=True)

    def unspread(self) -> "NoticeQuerySet":
        """Those of which nobody was told yet, oldest first."""
        return self.filter(spread_at=None).order_by("pk")


class Notice(models.Model):
    """One thing that happened, whoever is told of it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # One for each event, so that what runs twice is told once.
    key = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=16, choices=NoticeKind.choices)
    # What of it: the kind of an operation, "health", "finding", "secrets", "candidate" "share" or "webhook".
    about = models.CharField(max_length=16)
    # A fixed word for the reason, as operations have it; never what the platform said.
    problem = models.CharField(max_length=60, blank=True, default="")
    # What it is about was called so then; it outlives a change of name.
    name = models.CharField(max_length=255)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="notices", db_index=False
    )
    instance = models.ForeignKey(
        Instance, on_delete=models.CASCADE, null=True, related_name="notices", db_index=False
    )
    operation = models.ForeignKey(
        "instances.Operation", on_delete=models.CASCADE, null=True, related_name="notices"
    )
    finding = models.ForeignKey(
        "instances.Finding", on_delete=models.CASCADE, null=True, related_name="notices"
    )
    # Once it is removed, there is nobody left to tell.
    share = models.ForeignKey(
        "instances.Share", on_delete=models.SET_NULL, null=True, related_name="notices"
    )
    at = models.DateTimeField(db_default=Now())
    # When the people and webhooks it concerns were worked out.
    spread_at = models.DateTimeField(null=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["id"], condition=Q(spread_at=None), name="notice_unspread"),
            models.Index(fields=["instance", "about", "-id"], name="notice_by_instance"),
            models.Index(fields=["at"], name="notice_by_time"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=NoticeKind.values), name="notice_kind_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.name}"


class NotificationQuerySet(models.QuerySet["Notification"]):
    """Questions asked of what people were told."""

    def in_app(self) -> "NotificationQuerySet":
        """Those that the bell counts and its page lists."""
        return self.filter(is_in_app=True)

    def unread(self) -> "NotificationQuerySet":
        """Of these the ones not seen yet."""
        return self.in_app().filter(read_at=None)

    def mail_due(self, state: MailState) -> "NotificationQuerySet":
        """Those whose mail goes out now, at once or in a digest."""
        return self.filter(mail=state, mail_due_at__lte=Now())

    def claim_mail(
        self, state: MailState, user_id: int, *, lease: timedelta, most: int
    ) -> list["Notification"]:
        """
        Take what shall be in one person's next mail; nobody else gets it for a lease.

        What was in a mail once is in the same one again, and nothing besides: a mail program that
        knows its id already shows nobody what has come since. Compare-and-set: of two workers each
        row goes to one.
        """
        due = self._whole_letters(state, user_id)
        first = due.first()
        letter = first.mail_letter if first else None
        taken: list[UUID] = []
        for pk in due.filter(mail_letter=letter).values_list("pk", flat=True)[:most]:
            mine = self.mail_due(state).filter(pk=pk, mail_letter=letter)
            if mine.update(mail_due_at=Now() + lease, mail_letter=letter or (taken or [pk])[0]):
                taken.append(pk)
            elif letter:
                # Another worker has begun with it.
                break
        together = ("user", "notice__organization", "notice__instance", "notice__finding")
        rows = self.filter(pk__in=taken).select_related(*together, "notice__share__granted_by")
        return list(rows.order_by("pk"))

    def _whole_letters(self, state: MailState, user_id: int) -> "NotificationQuerySet":
        """Those of one person that are due, and nothing of whose letter is in a worker's hands."""
        others = self.filter(user=user_id, mail__in=WAITING, mail_due_at__gt=Now())
        held = others.filter(mail_letter=OuterRef("mail_letter"))
        return self.mail_due(state).filter(~Exists(held), user=user_id).order_by("pk")


class Notification(models.Model):
    """One notice for one person: what the bell shows, and what became of the mail."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    notice = models.ForeignKey(
        Notice, on_delete=models.CASCADE, related_name="notifications", db_index=False
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="notifications",
        db_index=False,
    )
    is_in_app = models.BooleanField("in the bell", default=True)
    read_at = models.DateTimeField(null=True, blank=True)
    mail = models.CharField(max_length=8, choices=MailState.choices, default=MailState.NONE)
    mail_due_at = models.DateTimeField(null=True, blank=True)
    # Which letter it is in once one was begun: the first row of it, and the id that mail programs see.
    mail_letter = models.UUIDField(null=True, blank=True, editable=False)
    mail_tries = models.PositiveSmallIntegerField(default=0)
    # A fixed word or the name of an error; never what a server said.
    mail_problem = models.CharField(max_length=60, blank=True, default="")
    mailed_at = models.DateTimeField(null=True, blank=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["user", "-id"],
                condition=Q(is_in_app=True),
                name="notification_by_person",
            ),
            models.Index(
                fields=["user"],
                condition=Q(is_in_app=True, read_at=None),
                name="notification_unread",
            ),
            models.Index(
                fields=["mail", "mail_due_at"],
                condition=Q(mail__in=WAITING),
                name="notification_mail_due",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["notice", "user"], name="notification_once_per_person"),
            models.CheckConstraint(
                condition=Q(mail__in=MailState.values), name="notification_mail_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(mail__in=WAITING) | Q(mail_due_at__isnull=False),
                name="notification_waiting_mail_is_due_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.notice} for {self.user}"


class Preference(models.Model):
    """How one person wants to be told of one kind of thing."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="preferences"
    )
    kind = models.CharField(max_length=16, choices=NoticeKind.choices)
    is_in_app = models.BooleanField("in the bell", default=True)
    mail = models.CharField(max_length=5, choices=MailChoice.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "kind"], name="preference_once_per_kind"),
            models.CheckConstraint(
                condition=Q(kind__in=NoticeKind.values), name="preference_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(mail__in=MailChoice.values), name="preference_mail_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_kind_display()}"


def usual(user_id: int, kind: str) -> Preference:
    """Return the choice of somebody who never chose."""
    mail = USUAL_MAIL.get(NoticeKind(kind), MailChoice.NOW)
    return Preference(user_id=user_id, kind=kind, is_in_app=True, mail=mail)


def preferences_of(users: Iterable[int], kinds: Iterable[str]) -> dict[tuple[int, str], Preference]:
    """Return what each of these people chose for each of these kinds, or what is usual."""
    users, kinds = list(users), list(kinds)
    chosen = {(user, kind): usual(user, kind) for user in users for kind in kinds}
    rows = Preference.objects.filter(user__in=users, kind__in=kinds)
    return chosen | {(row.user_id, row.kind): row for row in rows}


def notice_of_instance(
    instance: Instance, kind: NoticeKind, key: str, *, about: str, problem: str = ""
) -> Notice:
    """Return a notice about an instance, not written yet."""
    return Notice(
        key=key,
        kind=kind,
        about=about,
        problem=problem[:60],
        name=instance.name,
        organization_id=instance.organization_id,
        instance=instance,
    )


def notice_of_organization(
    organization: Organization, kind: NoticeKind, key: str, *, about: str, problem: str = ""
) -> Notice:
    """Return a notice about an organization, not written yet."""
    return Notice(
        key=key,
        kind=kind,
        about=about,
        problem=problem[:60],
        name=organization.name,
        organization=organization,
    )


def key_of(*parts: "str | int | UUID") -> str:
    """Return the key of an event, made of what tells it from every other."""
    return ":".join(map(str, parts))[:120]

"""Teams, and who besides the members may see or use an instance."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from instances.models.identity import new_id
from instances.models.instance import Instance
from instances.models.organization import Organization


class ShareLevel(models.TextChoices):
    """How far a share goes; each level includes the ones before it."""

    VIEW = "view", "View"
    USE = "use", "Use"
    MANAGE = "manage", "Manage"


class Team(models.Model):
    """People to whom instances are shared together."""

    name = models.CharField(max_length=100)
    # Whose admins say who is in it, and whose instances are shared with it; empty: of all
    # organizations, and in the hands of the installation's administrators (decision 0023).
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="teams", null=True, blank=True
    )
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="teams", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"],
                name="team_name_unique_in_organization",
                violation_error_message="There is a team of this name already.",
            ),
            models.UniqueConstraint(
                fields=["name"],
                condition=Q(organization__isnull=True),
                name="team_name_unique_without_organization",
                violation_error_message="There is a team of this name already.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


# So many days before its end people are told of it, and again; more stands for: not told yet.
WARNING_DAYS = (3, 1)
UNWARNED = 99


class ShareQuerySet(models.QuerySet["Share"]):
    """Questions asked of shares."""

    def ending_within(self, days: int) -> "ShareQuerySet":
        """Those that end in so many days or fewer, were given for longer, and of which nobody was told."""
        within = timedelta(days=days)
        ending = self.current().filter(expires_at__lte=Now() + within, warned_days__gt=days)
        return ending.filter(expires_at__gt=models.F("created_at") + within)

    def current(self) -> "ShareQuerySet":
        """Those that have not expired, by the database's clock."""
        return self.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=Now()))


class Share(models.Model):
    """One instance shared with one person or one team, until a date or until removed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="shares")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="shares",
        null=True,
        blank=True,
        db_index=False,
    )
    team = models.ForeignKey(
        Team,
        on_delete=models.CASCADE,
        related_name="shares",
        null=True,
        blank=True,
        db_index=False,
    )
    level = models.CharField(max_length=6, choices=ShareLevel.choices)
    expires_at = models.DateTimeField(null=True, blank=True)
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="granted_shares"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    # For how many days before its end people were told of that last.
    warned_days = models.PositiveSmallIntegerField(default=UNWARNED, editable=False)

    objects = ShareQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["user", "-instance"], name="share_by_person"),
            models.Index(fields=["team", "-instance"], name="share_by_team"),
            models.Index(
                fields=["expires_at"],
                condition=Q(expires_at__isnull=False, warned_days__gt=1),
                name="share_ending",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(level__in=ShareLevel.values), name="share_level_is_known"
            ),
            models.CheckConstraint(
                condition=Q(user__isnull=False, team__isnull=True)
                | Q(user__isnull=True, team__isnull=False),
                name="share_is_with_a_person_or_a_team",
                violation_error_message="Choose a person or a team, not both.",
            ),
            models.UniqueConstraint(
                fields=["instance", "user"],
                condition=Q(user__isnull=False),
                name="share_once_per_person",
                violation_error_message="It is already shared with this person.",
            ),
            models.UniqueConstraint(
                fields=["instance", "team"],
                condition=Q(team__isnull=False),
                name="share_once_per_team",
                violation_error_message="It is already shared with this team.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.instance} with {self.recipient} ({self.level})"

    @property
    def recipient(self) -> str:
        """The person's or the team's name."""
        return str(self.user or self.team)

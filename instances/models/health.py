"""How an instance is doing: its present state, each check, and one row for each day."""

import datetime
from collections.abc import Iterable

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Least, Now

from instances.models.identity import new_id
from instances.models.instance import Instance
from instances.models.organization import Organization


class HealthState(models.TextChoices):
    """Whether an instance can be used, and if not, whether somebody has to do something."""

    HEALTHY = "healthy", "Healthy"
    ACTION_NEEDED = "action_needed", "Action needed"
    RETRYING = "retrying", "Retrying"
    DISABLED = "disabled", "Disabled"
    UNKNOWN = "unknown", "Unknown"


# From good to bad: a day shows the worst that was found in it.
SEVERITY = (
    HealthState.UNKNOWN,
    HealthState.HEALTHY,
    HealthState.DISABLED,
    HealthState.RETRYING,
    HealthState.ACTION_NEEDED,
)


class CheckMethod(models.TextChoices):
    """How a check was made."""

    RECORD = "record", "The platform's record"
    PING = "ping", "Ping"
    READ = "read", "Light read"


class HealthQuerySet(models.QuerySet["Health"]):
    """What is asked of those that look."""

    def watch(self, instances: Iterable[Instance]) -> None:
        """Have these looked at soon, as far as they are not watched yet; in the caller's transaction."""
        every = settings.HEALTH["EVERY"]
        pause = datetime.timedelta(seconds=min(every, settings.HEALTH["CONFIRM_SECONDS"]))
        rows = [
            Health(
                instance_id=instance.pk,
                organization_id=instance.organization_id,
                due_at=Now() + pause if every else None,
            )
            for instance in instances
        ]
        self.bulk_create(rows, ignore_conflicts=True)

    def ask_test(self, instance: Instance, asker: User) -> bool:
        """Have an instance tested in earnest, in somebody's name; False if that is asked already."""
        self.get_or_create(instance=instance, defaults={"organization": instance.organization})
        idle = self.filter(pk=instance.pk, asked_at__isnull=True)
        return bool(idle.update(asked_at=Now(), asked_by=asker, due_at=Now()))

    def ask_log(self, instance: Instance) -> bool:
        """Have the platform's logs of an instance read; False if that is asked already."""
        idle = self.filter(pk=instance.pk, log_asked_at__isnull=True)
        due_at = Least(Coalesce(F("due_at"), Now()), Now())
        return bool(idle.update(log_asked_at=Now(), due_at=due_at))


class Health(models.Model):
    """How one active instance is doing, and when it is looked at next."""

    instance = models.OneToOneField(
        Instance, on_delete=models.CASCADE, primary_key=True, related_name="health"
    )
    # As the instance's own: for the walk over what is due, and for the counts.
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    state = models.CharField(
        max_length=13, choices=HealthState.choices, default=HealthState.UNKNOWN
    )
    # A short fixed word that says why; views/diagnosis.py has the sentences.
    problem = models.CharField(max_length=40, blank=True, default="")
    since = models.DateTimeField(db_default=Now())
    # What the last checks found and is not believed yet, and how many of them found it.
    seen = models.CharField(max_length=60, blank=True, default="")
    seen_times = models.PositiveSmallIntegerField(default=0)
    # Checks in a row that agreed with the state.
    streak = models.PositiveIntegerField(default=0)
    # Changes of state since the beginning of the present day of counting.
    changes = models.PositiveSmallIntegerField(default=0)
    changes_since = models.DateTimeField(db_default=Now())
    checked_at = models.DateTimeField(null=True, blank=True)
    good_at = models.DateTimeField(null=True, blank=True)
    latency_ms = models.PositiveIntegerField(null=True, blank=True)
    # When it is looked at next; null: only when somebody asks.
    due_at = models.DateTimeField(null=True, blank=True)
    asked_at = models.DateTimeField(null=True, blank=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    # When somebody asked for the platform's log of it, when that was read last, and what was wrong.
    log_asked_at = models.DateTimeField(null=True, blank=True)
    log_read_at = models.DateTimeField(null=True, blank=True)
    log_problem = models.CharField(max_length=300, blank=True, default="")

    objects = HealthQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "health"
        indexes = [
            models.Index(fields=["organization", "due_at"], name="health_due"),
            models.Index(fields=["organization", "state", "-since"], name="health_by_state"),
            # In the order of the list of instances.
            models.Index(fields=["organization", "state", "-instance"], name="health_newest"),
            models.Index(
                fields=["organization"],
                condition=Q(asked_at__isnull=False) | Q(log_asked_at__isnull=False),
                name="health_asked",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=HealthState.values), name="health_state_is_known"
            ),
            # Whoever is told to act is told why.
            models.CheckConstraint(
                condition=~Q(state=HealthState.ACTION_NEEDED) | ~Q(problem=""),
                name="health_action_has_a_problem",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.instance}: {self.get_state_display()}"


class HealthCheck(models.Model):
    """One look at an instance, and what it found."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    instance = models.ForeignKey(
        Instance, on_delete=models.CASCADE, related_name="health_checks", db_index=False
    )
    at = models.DateTimeField(db_default=Now(), db_index=True)
    method = models.CharField(max_length=6, choices=CheckMethod.choices)
    result = models.CharField(max_length=13, choices=HealthState.choices)
    problem = models.CharField(max_length=40, blank=True, default="")
    message = models.CharField(max_length=300, blank=True, default="")
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    request_id = models.CharField("request ID", max_length=60, blank=True, default="")
    latency_ms = models.PositiveIntegerField(null=True, blank=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        indexes = [models.Index(fields=["instance", "-id"], name="health_check_by_instance")]
        constraints = [
            models.CheckConstraint(
                condition=Q(method__in=CheckMethod.values), name="health_check_method_is_known"
            ),
            models.CheckConstraint(
                condition=Q(result__in=HealthState.values), name="health_check_result_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_method_display()}: {self.get_result_display()}"


class HealthDay(models.Model):
    """All checks of one instance on one day (UTC), in one row."""

    instance = models.ForeignKey(
        Instance, on_delete=models.CASCADE, related_name="health_days", db_index=False
    )
    day = models.DateField(db_index=True)
    # The worst that was found.
    state = models.CharField(max_length=13, choices=HealthState.choices)
    problem = models.CharField(max_length=40, blank=True, default="")
    checks = models.PositiveIntegerField(default=0)
    good = models.PositiveIntegerField(default=0)
    # Answers that were timed, how long they took together, and the slowest.
    timed = models.PositiveIntegerField(default=0)
    latency_ms = models.PositiveBigIntegerField(default=0)
    latency_most_ms = models.PositiveIntegerField(default=0)
    # Real calls that the platform's usage told of, how many failed, and how long they took.
    calls = models.PositiveIntegerField(default=0)
    failed_calls = models.PositiveIntegerField(default=0)
    calls_ms = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["instance", "day"], name="health_day_once"),
            models.CheckConstraint(
                condition=Q(state__in=HealthState.values), name="health_day_state_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.get_state_display()}"

    @property
    def mean_ms(self) -> int | None:
        """How long an answer took on average."""
        return round(self.latency_ms / self.timed) if self.timed else None


class HealthCount(models.Model):
    """How many instances of an organization were in each state, counted last on that day."""

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="health_counts", db_index=False
    )
    day = models.DateField()
    healthy = models.PositiveIntegerField(default=0)
    action_needed = models.PositiveIntegerField(default=0)
    retrying = models.PositiveIntegerField(default=0)
    disabled = models.PositiveIntegerField(default=0)
    unknown = models.PositiveIntegerField(default=0)
    # When it is counted again, which one worker does.
    due_at = models.DateTimeField(db_default=Now())
    counted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "day"], name="health_count_once")
        ]

    def __str__(self) -> str:
        return f"{self.organization} on {self.day}"


def worse(one: str, other: str) -> str:
    """Return the worse of two states."""
    return max(one, other, key=lambda state: SEVERITY.index(HealthState(state)))


def today() -> datetime.date:
    """Return the present day in UTC, to which checks are counted."""
    return datetime.datetime.now(datetime.UTC).date()

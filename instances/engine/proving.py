"""What proves that an instance can take the place of another, and that nobody calls the other."""

from datetime import datetime, timedelta

from django.contrib.auth.models import User

from instances.models import (
    FINAL,
    CheckMethod,
    Health,
    HealthCheck,
    HealthState,
    Instance,
    InstanceStatus,
    LogKind,
    OperationKind,
    PlatformEntry,
    database_now,
)

# A test or a reading that old still says how it is.
FRESH = timedelta(hours=1)
# After an answer that may pass, it is asked again no sooner than this.
AGAIN = timedelta(minutes=1)
OWN_TOKEN = (CheckMethod.PING, CheckMethod.READ)
UNTESTABLE = (
    "The new one offers nothing harmless to ask, so it could not be tested with its own token. Try it, "
    "and say that it works. The old one is not touched."
)


def why_unusable(instance: Instance) -> str:
    """Say why an instance cannot be used in place of another; "" if it can."""
    leaving = instance.operations.filter(kind=OperationKind.DELETE).exclude(state__in=FINAL)
    if leaving.exists():
        return "The new one is to be deleted."
    if instance.is_disabled:
        return "The new one is disabled."
    if instance.status not in (InstanceStatus.ACTIVE, InstanceStatus.CHANGING):
        return f"The new one is not active: {instance.shown_label.lower()}."
    return ""


def proof(
    instance: Instance, since: datetime, asker: User, *, is_vouched: bool
) -> tuple[bool, str]:
    """
    Tell whether an instance answered with its own token since then, and what speaks against it.

    Where it has nothing to ask, the platform's record and the word of a person (`is_vouched`) do.
    What was not tested since is asked for, in the name of `asker`, and is known a little later.
    """
    checks = HealthCheck.objects.filter(instance=instance, at__gte=since).order_by("-pk")
    last = checks.first()
    own = checks.filter(method__in=OWN_TOKEN).first()
    if last is None or (
        last.result == HealthState.HEALTHY and own is None and not last.asked_by_id
    ):
        Health.objects.ask_test(instance, asker)
        return False, ""
    if last.result == HealthState.HEALTHY and own is not None:
        return own.result == HealthState.HEALTHY, _told(own)
    if last.result == HealthState.HEALTHY and is_vouched:
        return True, ""
    if last.result != HealthState.ACTION_NEEDED:
        _ask_again(instance, last, asker)
    return False, _told(last)


def _told(check: HealthCheck) -> str:
    """Say what a check means for the exchange; "" if it is all that is needed."""
    if check.result != HealthState.HEALTHY:
        said = f" {check.message}" if check.message else ""
        return f"The test of the new one failed.{said} The old one is not touched."
    if check.method in OWN_TOKEN:
        return ""
    return UNTESTABLE


def _ask_again(instance: Instance, last: HealthCheck, asker: User) -> None:
    """Ask for another test of what may have passed by now."""
    recent = HealthCheck.objects.filter(pk=last.pk, at__gte=database_now() - AGAIN)
    if not recent.exists():
        Health.objects.ask_test(instance, asker)


def ask_usage(instance: Instance) -> None:
    """Have the platform's usage of an instance read now."""
    Health.objects.get_or_create(
        instance=instance, defaults={"organization": instance.organization}
    )
    Health.objects.ask_log(instance)


def is_usage_awaited(instance: Instance) -> bool:
    """Tell whether the reading that was asked for is still to come."""
    return Health.objects.filter(pk=instance.pk, log_asked_at__isnull=False).exists()


def last_call(instance: Instance, since: datetime) -> datetime | None:
    """Return when somebody else called an instance last since then, as far as the platform tells."""
    tests = HealthCheck.objects.filter(instance=instance, at__gte=since).exclude(request_id="")
    ours = set(tests.values_list("request_id", flat=True))
    calls = PlatformEntry.objects.filter(instance=instance, kind=LogKind.CALL, at__gte=since)
    return calls.exclude(request_id__in=ours).order_by("-at").values_list("at", flat=True).first()

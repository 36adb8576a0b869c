"""How an instance is doing in words: what is wrong, whose job that is, and what the next step is."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from instances.models import Health, HealthState, Instance, Organization, shown_health
from instances.models.health import SEVERITY

TONES = {
    HealthState.HEALTHY: ("ok", "circle-check"),
    HealthState.ACTION_NEEDED: ("bad", "circle-alert"),
    HealthState.RETRYING: ("warn", "refresh-cw"),
    HealthState.DISABLED: ("off", "power"),
    HealthState.UNKNOWN: ("unknown", "circle-question-mark"),
}
MANAGER = "whoever manages the instance"
ADMIN = "an admin of the organization"
SERVER = "an administrator of this server"
NOBODY = "nobody: it goes on by itself"
# Problem: what it means, whose job it is, what to do.
PROBLEMS = {
    "invalid": (
        "The platform says that its credentials are not valid any more.",
        f"The provider's credentials: {MANAGER}",
        "Authenticate it again with credentials that the provider accepts.",
    ),
    "refused": (
        "The provider refused a test call, though the platform calls the instance valid.",
        f"The provider's credentials: {MANAGER}",
        "See at the provider whether the account may still use its API, then authenticate again.",
    ),
    "calls-refused": (
        "The provider refused the last real calls that were made with it.",
        f"The provider's credentials: {MANAGER}",
        "Test it now; if that fails too, authenticate it again.",
    ),
    "token": (
        "The platform has another token for it than the one that is kept here.",
        f"The token: {MANAGER}",
        "Read it again from the platform: programs that use the old token are refused.",
    ),
    "gone": (
        "The platform says that it does not exist any more.",
        f"The instance: {MANAGER}",
        "Somebody deleted it there. Create it anew, or remove it here.",
    ),
    "rights": (
        "The organization's user may not read it.",
        f"The organization's rights: {ADMIN}",
        "Give the user of the organization's secrets the right to see the instance.",
    ),
    "secrets": (
        "The platform refuses the organization's secrets.",
        f"The organization's secrets: {ADMIN}",
        "Replace both secrets of the organization.",
    ),
    "other-account": (
        "The organization's secrets open another account than the one it was made in.",
        f"The organization's secrets: {ADMIN}",
        "Enter the secrets of the account that the instance belongs to.",
    ),
    "halted": (
        "The organization is not in use: nothing is sent for it.",
        f"The organization: {ADMIN}",
        "Take the organization into use again.",
    ),
    "sealed": (
        "The token that is kept here does not open with the present keys.",
        f"The keys: {SERVER}",
        "Restore the key that sealed it.",
    ),
    "sealed-secrets": (
        "The organization's secrets do not open with the present keys.",
        f"The keys: {SERVER}",
        "Restore the key that sealed them, or enter both secrets again.",
    ),
    "provider": ("The provider does not answer as it should.", NOBODY, "We look again."),
    "calls-failing": (
        "The last real calls that were made with it failed.",
        NOBODY,
        "We look again.",
    ),
    "paused": (
        "Calls of the organization are paused, since the platform does not answer or asked to wait.",
        NOBODY,
        "We ask by ourselves when it answers again.",
    ),
    "changed": (
        "It was changed a moment ago, and not looked at since.",
        NOBODY,
        "We look within seconds.",
    ),
    "stale": ("It was not looked at for long.", NOBODY, "See whether a worker is running."),
}
OTHER = ("The platform did not answer.", NOBODY, "We look again.")
NEVER = ("It was not looked at yet.", NOBODY, "A new instance is looked at within minutes.")
FINE = {
    HealthState.HEALTHY: (
        "The platform holds it for valid, and nothing speaks against it.",
        "",
        "",
    ),
    HealthState.DISABLED: ("It is switched off on the platform: calls to it are refused.", "", ""),
}


@dataclass(frozen=True)
class Diagnosis:
    """The state of one instance as it is shown, with the words for it."""

    state: HealthState
    problem: str
    since: datetime | None
    health: Health | None = field(default=None, repr=False)

    @property
    def label(self) -> str:
        return str(self.state.label)

    @property
    def tone(self) -> str:
        return TONES[self.state][0]

    @property
    def icon(self) -> str:
        return TONES[self.state][1]

    @property
    def words(self) -> tuple[str, str, str]:
        """What is wrong, whose job it is, what to do; the last two empty if nothing is."""
        if self.state in FINE:
            return FINE[self.state]
        if self.state == HealthState.UNKNOWN and not self.problem:
            return NEVER
        return PROBLEMS.get(self.problem, OTHER)

    @property
    def meaning(self) -> str:
        return self.words[0]

    @property
    def job(self) -> str:
        return self.words[1]

    @property
    def step(self) -> str:
        return self.words[2]


def diagnose(health: Health | None, organization: Organization) -> Diagnosis:
    """
    Return what to show: what holds the whole organization up comes before what a check found.

    What was not looked at for three periods is unknown again: an old word proves nothing.
    """
    if organization.is_refused:
        since = organization.secrets_refused_at
        return Diagnosis(HealthState.ACTION_NEEDED, "secrets", since, health)
    if not organization.is_active:
        return Diagnosis(HealthState.ACTION_NEEDED, "halted", None, health)
    if health is None or health.checked_at is None:
        return Diagnosis(HealthState.UNKNOWN, "", None, health)
    if organization.is_paused and health.state != HealthState.ACTION_NEEDED:
        return Diagnosis(HealthState.RETRYING, "paused", organization.failing_since, health)
    if _is_stale(health.checked_at):
        return Diagnosis(HealthState.UNKNOWN, "stale", health.checked_at, health)
    return Diagnosis(HealthState(health.state), health.problem, health.since, health)


def _is_stale(checked_at: datetime) -> bool:
    before = shown_health.stale_before()
    return before is not None and checked_at < before


def of_instance(instance: Instance) -> Diagnosis | None:
    """Return how an instance is doing, None while it is not active."""
    if not instance.is_active:
        return None
    health = Health.objects.filter(pk=instance.pk).select_related("asked_by").first()
    return diagnose(health, instance.organization)


def worst_first(states: Iterable[str]) -> list[HealthState]:
    """Return the states from bad to good."""
    found = {HealthState(state) for state in states}
    return [state for state in reversed(SEVERITY) if state in found]

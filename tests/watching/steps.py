"""Instances are looked at: what is asked, what is believed, what it costs, and who is told to act: what its tests share."""

from collections.abc import Callable

from django.db.models.functions import Now

from instances import operations
from instances.engine import health
from instances.models import (
    Health,
    Instance,
    Organization,
)
from sandbox.running import Account

Ask = Callable[..., Instance]


def check(instance: Instance, times: int = 1) -> Health:
    """Look at it now, once or several times."""
    for _ in range(times):
        Health.objects.update(due_at=Now())
        health.run(Organization.objects.get(pk=instance.organization_id))
    return Health.objects.get(pk=instance.pk)


def ask_for_test(instance: Instance) -> Health:
    operations.request_test(actor=instance.owner, instance=instance)
    health.run(instance.organization)
    return Health.objects.get(pk=instance.pk)


def asked(account: Account, after: int = 0) -> list[str]:
    """What the platform was asked, without the account's own prefix."""
    lines = [f"{entry.method} {entry.path}" for entry in account.ledger()[after:]]
    return [line.replace("/elements/api-v2", "") for line in lines]


def outcome(row: Health) -> tuple[str, str]:
    return row.state, row.problem

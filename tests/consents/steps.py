"""Somebody consents at a provider: the way there, the way back, and what the code is used for: what its tests share."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from instances.cloud_elements.oauth import Application
from instances.models import (
    Consent,
    Instance,
    Operation,
    OperationState,
)
from sandbox.running import Account

Ask = Callable[..., Instance]


APPLICATION = {"oauth.api.key": "client-of-ours", "oauth.api.secret": "its-long-secret"}


OURS = Application("client-of-ours", "its-long-secret", "https://desk.test/oauth/callback/")


S = OperationState


def stand(instance: Instance) -> tuple[str, str, str]:
    """Return status of the instance, state and problem of its operation."""
    instance.refresh_from_db()
    operation = instance.operations.get()
    return instance.status, operation.state, operation.problem


def posts(account: Account) -> list[dict[str, Any]]:
    """Return the body of each request that asked for an instance."""
    asked = [one for one in account.ledger() if (one.method, one.path) == ("POST", "/instances")]
    return [json.loads(one.body) for one in asked]


def overdue() -> None:
    """Let the time be over in which somebody may come back."""
    Consent.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    Operation.objects.update(next_run_at=Now())


def waiting_for_locks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return int(cursor.fetchone()[0])

"""An instance is disabled, counted down, deleted with proof, and leaves no secret behind: what its tests share."""

from collections.abc import Callable
from datetime import timedelta

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from instances.models import (
    Instance,
    Operation,
    OperationState,
)
from sandbox.running import Account
from tests.cases import read, the_operation

S = OperationState


Ask = Callable[..., Instance]


Delete = Callable[..., Operation]


def stands(instance: Instance) -> tuple[str, str, str]:
    """Return its newest operation, how that stands, and how its row does."""
    operation = the_operation(instance)
    return (operation.kind, operation.state, read(instance).status)


def sent(account: Account) -> list[str]:
    """Return the requests that change something after the creation, in order."""
    changes = [entry for entry in account.ledger() if entry.method in ("DELETE", "PUT")]
    return [f"{entry.method} {entry.path.rpartition('/')[2]}" for entry in changes]


def bring_the_day(instance: Instance) -> None:
    """Let the countdown be over."""
    deletion = the_operation(instance)
    deletion.payload["until"] = (timezone.now() - timedelta(seconds=1)).isoformat()
    deletion.save()


def url(name: str, instance: Instance) -> str:
    return reverse(f"instances:{name}", args=[instance.pk])


def body(client: Client, address: str) -> str:
    return client.get(address).content.decode()

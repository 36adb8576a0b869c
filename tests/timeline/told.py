"""One timeline from both sides: in one order, each request once, as far back as it is kept: what its tests share."""

import re
from collections.abc import Callable
from datetime import timedelta

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from instances import operations
from instances.engine import health
from instances.models import (
    Instance,
    LogKind,
    Organization,
    PlatformEntry,
)
from instances.views.timeline import Timeline

Ask = Callable[..., Instance]


def entry(
    instance: Instance, minutes: float, kind: LogKind = LogKind.CHANGE, **fields: object
) -> None:
    """A line of the platform's, so many minutes old."""
    known = {"key": f"key-{minutes}", "at": timezone.now() - timedelta(minutes=minutes)}
    PlatformEntry.objects.create(instance=instance, kind=kind, **(known | fields))


def titles(timeline: Timeline) -> list[str]:
    return [line.event.title for line in timeline.lines]


def read_log(instance: Instance, actor: User | None = None) -> None:
    """Somebody looks, and a worker reads."""
    assert operations.request_log(actor=actor or instance.owner, instance=instance)
    health.run(Organization.objects.get(pk=instance.organization_id))


def page(client: Client, instance: Instance, query: str = "") -> str:
    answer = client.get(reverse("instances:instance_activity", args=[instance.pk]) + query)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())

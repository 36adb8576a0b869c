"""Ask for a test of an instance, in earnest and now, and for what the platform wrote down about it."""

from functools import partial

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Least, Now

from instances import access, audit, tasks
from instances.access import Action
from instances.models import Health, Instance, InstanceStatus


class NotTestableError(Exception):
    """Only an active instance can be tested: there is nothing to ask yet, or not any more."""


def request_test(*, actor: User, instance: Instance) -> bool:
    """
    Ask a worker to test an instance now; False if somebody did already.

    :raises NotAllowedError: the actor may not use it, and a test is a call in its name.
    :raises NotTestableError: it is not active.
    """
    access.require(actor, Action.USE, instance)
    with transaction.atomic():
        if not Instance.objects.filter(pk=instance.pk, status=InstanceStatus.ACTIVE).exists():
            raise NotTestableError
        Health.objects.get_or_create(
            instance=instance, defaults={"organization": instance.organization}
        )
        idle = Health.objects.filter(pk=instance.pk, asked_at__isnull=True)
        if not idle.update(asked_at=Now(), asked_by=actor, due_at=Now()):
            return False
        audit.record(actor, "health.test_requested", instance)
        transaction.on_commit(partial(tasks.ring_for_test, instance.pk))
    return True


def request_log(*, actor: User, instance: Instance) -> bool:
    """
    Ask a worker to read the platform's logs of an instance now; False if that is under way.

    Not in the record: it changes nothing, and the page asks by itself when its lines are old.

    :raises NotAllowedError: the actor may not see it.
    """
    access.require(actor, Action.VIEW, instance)
    idle = Health.objects.filter(pk=instance.pk, log_asked_at__isnull=True)
    due_at = Least(Coalesce(F("due_at"), Now()), Now())
    if not idle.update(log_asked_at=Now(), due_at=due_at):
        return False
    tasks.ring_for_test(instance.pk)
    return True

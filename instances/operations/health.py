"""Ask for a test of an instance, in earnest and now, and for what the platform wrote down about it."""

from functools import partial

from django.contrib.auth.models import User
from django.db import transaction

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
        if not Health.objects.ask_test(instance, actor):
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
    if not Health.objects.ask_log(instance):
        return False
    tasks.ring_for_test(instance.pk)
    return True

"""What a receiver did not take comes again under its id, with pauses, and is given up in the end."""

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from instances import operations
from instances.engine import hooks, spreading
from instances.models import (
    Delivery,
    DeliveryState,
    DeliveryTry,
    Instance,
    Notice,
    NoticeKind,
)
from tests.telling.conftest import AddHook
from tests.telling.receivers import Receiver
from tests.telling.steps import deliver, note, try_once

pytestmark = pytest.mark.django_db(transaction=True)

K = NoticeKind


@pytest.mark.parametrize(
    ("mood", "problem", "status"),
    [
        ("redirect", "status-307", 307),
        ("endless", "too-large", None),
        ("slow", "timeout", None),
        ("drop", "garbled", None),
    ],
)
def test_a_hostile_receiver_gets_the_same_message_again_and_nobody_else_gets_it(
    receiver: Receiver,
    add_hook: AddHook,
    active: Instance,
    mood: str,
    problem: str,
    status: int | None,
) -> None:
    add_hook()
    note(active, K.FAILED)
    receiver.mood = mood
    try_once()
    done = DeliveryTry.objects.get()
    assert (done.http_status, done.problem in (problem, "reset")) == (status, True)
    receiver.mood = ""
    try_once()
    first, second = receiver.taken
    assert first.path == second.path == "/hook"
    assert first.body == second.body
    assert first.headers["Elementdesk-Id"] == second.headers["Elementdesk-Id"]
    assert Delivery.objects.get().state == DeliveryState.SENT


def test_a_pause_is_kept(
    receiver: Receiver, add_hook: AddHook, active: Instance, settings: Settings
) -> None:
    settings.TELLING = {**settings.TELLING, "PAUSES": [60.0]}
    add_hook()
    note(active, K.FAILED)
    receiver.status = 500
    deliver()
    deliver()
    assert len(receiver.taken) == 1


class DiedError(BaseException):
    """The process ended here."""


def test_a_worker_that_dies_after_sending_makes_it_come_again_with_the_same_id(
    receiver: Receiver, add_hook: AddHook, active: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(_step: str) -> None:
        raise DiedError

    add_hook()
    note(active, K.FAILED)
    with monkeypatch.context() as patch:
        patch.setattr(hooks, "reach", die)
        with pytest.raises(DiedError):
            deliver()
    deliver()  # the lease of the dead one is not over
    assert len(receiver.taken) == 1
    try_once()
    first, second = receiver.taken
    assert first.document["id"] == second.document["id"]


def test_what_is_never_taken_is_given_up_and_the_webhook_with_it_and_admins_are_told(
    receiver: Receiver, add_hook: AddHook, active: Instance, admin: User
) -> None:
    webhook, _ = add_hook()
    note(active, K.FAILED)
    receiver.status = 503
    for _ in range(3):
        try_once()
    webhook.refresh_from_db()
    assert not webhook.is_active
    assert Delivery.objects.get().state == DeliveryState.GIVEN_UP
    assert Notice.objects.filter(kind=K.WEBHOOK_OFF, name=webhook.name).count() == 1
    note(active, K.CREATED)
    deliver()
    assert len(receiver.taken) == 3
    assert admin.notifications.filter(notice__kind=K.WEBHOOK_OFF).count() == 1


def test_a_receiver_that_fails_is_not_asked_about_all_that_waits(
    receiver: Receiver, add_hook: AddHook, active: Instance
) -> None:
    add_hook()
    for kind in (K.FAILED, K.CREATED, K.UNKNOWN):
        note(active, kind)
    receiver.status = 500
    spreading.run()
    (webhook,) = hooks.due()
    hooks.run(webhook)
    assert len(receiver.taken) == 1


def test_one_message_that_is_refused_switches_off_nothing(
    receiver: Receiver, add_hook: AddHook, active: Instance
) -> None:
    webhook, _ = add_hook()
    note(active, K.FAILED)
    receiver.status = 400
    try_once()
    receiver.status = 200
    note(active, K.CREATED)
    spreading.run()
    hooks.deliver(Delivery.objects.select_related("webhook").get(kind="created"))
    receiver.status = 400
    for _ in range(2):
        try_once()
    webhook.refresh_from_db()
    assert webhook.is_active
    assert Delivery.objects.get(kind="failed").state == DeliveryState.GIVEN_UP


def test_a_message_is_sent_again_on_demand_under_its_id(
    receiver: Receiver, add_hook: AddHook, active: Instance, admin: User
) -> None:
    add_hook()
    note(active, K.FAILED)
    deliver()
    delivery = Delivery.objects.select_related("webhook__organization").get()
    operations.request_redelivery(actor=admin, delivery=delivery)
    deliver()
    assert receiver.taken[0].body == receiver.taken[1].body

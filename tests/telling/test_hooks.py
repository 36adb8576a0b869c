"""Webhooks: signed, at least once under one id, only to where they may go, and never more than is told."""

import hashlib
import hmac
import json
import time

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from instances import hosts, operations
from instances.cloud_elements.posting import post
from instances.engine import hooks, spreading
from instances.models import (
    Delivery,
    DeliveryState,
    DeliveryTry,
    Instance,
    Notice,
    NoticeKind,
    ShareLevel,
    Webhook,
    WebhookShape,
    database_now,
)
from instances.secret import Secret
from tests.hostile_addresses import disguises, schemes, spellings
from tests.telling.conftest import ADDRESS, AddHook
from tests.telling.receivers import Receiver, Taken
from tests.telling.steps import note

pytestmark = pytest.mark.django_db(transaction=True)

K = NoticeKind
# Words for tries of which no byte left.
UNSENT = ("policy", "address", "dns", "unsendable")


def deliver() -> None:
    """Send what is due, as a worker does."""
    spreading.run()
    for webhook in hooks.due():
        hooks.run(webhook)


def try_once() -> None:
    """Let the pause or lease be over, and make one try."""
    spreading.run()
    Delivery.objects.filter(state=DeliveryState.WAITING).update(due_at=database_now())
    for webhook in hooks.due():
        delivery = Delivery.objects.claim(webhook, hooks.LEASE)
        assert delivery is not None
        hooks.deliver(delivery)


def is_genuine(taken: Taken, secret: str) -> bool:
    """Check a message as docs/notifications.md tells receivers to."""
    moment = taken.headers["Elementdesk-Timestamp"]
    if abs(time.time() - int(moment)) > 300:
        return False
    signed = f"{moment}.{taken.body}".encode()
    wanted = "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    given = taken.headers["Elementdesk-Signature"].split(",")
    return any(hmac.compare_digest(wanted, one) for one in given)


def test_a_message_says_what_happened(
    receiver: Receiver, add_hook: AddHook, active: Instance
) -> None:
    _, secret = add_hook()
    assert secret is not None
    notice = note(active, K.ACTION_NEEDED)
    deliver()
    (taken,) = receiver.taken
    assert taken.path == "/hook"
    assert taken.document | {"at": ""} == {
        "id": str(notice.pk),
        "kind": "action_needed",
        "label": "Action needed",
        "at": "",
        "organization": {"id": str(active.organization_id), "name": active.organization.name},
        "subject": "Billing sandbox",
        "instance": {"id": str(active.pk), "name": "Billing sandbox"},
        "text": "Its checks say that it does not work until somebody acts.",
        "link": f"{ADDRESS}/instances/{active.pk}/",
    }
    assert taken.headers["Elementdesk-Id"] == str(notice.pk)
    assert is_genuine(taken, secret.reveal())
    assert not is_genuine(Taken(taken.path, taken.headers, taken.body + " "), secret.reveal())
    assert not is_genuine(taken, secret.reveal() + "x")
    deliver()
    assert len(receiver.taken) == 1
    (delivery,) = Delivery.objects.all()
    assert (delivery.state, delivery.tries) == (DeliveryState.SENT, 1)
    done = delivery.log.get()
    assert (done.http_status, done.problem, done.answer) == (200, "", "thanks")


def test_slack_gets_text_in_which_a_name_can_neither_link_nor_call(
    receiver: Receiver, add_hook: AddHook, active: Instance
) -> None:
    add_hook(WebhookShape.SLACK)
    active.name = "<!channel> & <https://evil.example|here>\n"
    active.save()
    note(active, K.FAILED)
    deliver()
    (taken,) = receiver.taken
    name = "&lt;!channel&gt; &amp; &lt;https://evil.example|here&gt;"
    text = taken.document["text"]
    assert list(taken.document) == ["text"]
    assert text.splitlines()[0] == f"Failed: {name}"
    assert text.endswith(f"\n{ADDRESS}/instances/{active.pk}/")
    assert "<" not in text
    assert "Elementdesk-Signature" not in taken.headers


def test_only_chosen_kinds_of_the_own_organization_are_sent(
    receiver: Receiver, add_hook: AddHook, active: Instance
) -> None:
    add_hook(kinds=["failed"])
    for kind in K:
        note(active, kind)
    deliver()
    assert [taken.document["kind"] for taken in receiver.taken] == ["failed"]
    Webhook.objects.update(organization_id=add_other_organization(active))
    note(active, K.FAILED, key="again")
    deliver()
    assert len(receiver.taken) == 1


def add_other_organization(active: Instance) -> object:
    other = active.organization
    other.pk, other.name = None, "Other"
    other.pk = Notice().pk
    other.save(force_insert=True)
    return other.pk


def test_nobody_s_name_goes_out_with_a_share(
    receiver: Receiver, add_hook: AddHook, active: Instance, operator: User, admin: User
) -> None:
    add_hook()
    operations.share_instance(actor=operator, instance=active, level=ShareLevel.USE, user=admin)
    deliver()
    (taken,) = receiver.taken
    assert taken.document["kind"] == "shared"
    assert taken.document["text"] == "It was shared with a person or a team."
    assert not {"olivia", "ada"} & set(taken.body.replace('"', " ").split())


def test_after_a_new_secret_both_sign_for_a_day(
    receiver: Receiver, add_hook: AddHook, active: Instance, admin: User
) -> None:
    webhook, old = add_hook()
    new = operations.replace_webhook_secret(actor=admin, webhook=webhook)
    note(active, K.FAILED)
    deliver()
    assert old is not None
    assert is_genuine(receiver.taken[0], old.reveal())
    assert is_genuine(receiver.taken[0], new.reveal())
    Webhook.objects.update(previous_until=database_now())
    note(active, K.CREATED)
    deliver()
    assert not is_genuine(receiver.taken[1], old.reveal())
    assert is_genuine(receiver.taken[1], new.reveal())


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


def test_a_test_is_a_message_like_any_other(
    receiver: Receiver, add_hook: AddHook, admin: User
) -> None:
    webhook, secret = add_hook()
    operations.request_webhook_test(actor=admin, webhook=webhook)
    deliver()
    (taken,) = receiver.taken
    assert secret is not None
    assert (taken.document["kind"], is_genuine(taken, secret.reveal())) == ("test", True)


def test_what_waits_for_a_webhook_that_is_switched_off_is_not_sent(
    receiver: Receiver, add_hook: AddHook, active: Instance
) -> None:
    add_hook()
    note(active, K.FAILED)
    spreading.run()
    Webhook.objects.update(is_active=False)
    deliver()
    assert receiver.taken == []
    assert Delivery.objects.get().state == DeliveryState.DROPPED


def test_an_answer_that_repeats_what_is_secret_is_kept_without_it(
    receiver: Receiver, add_hook: AddHook, active: Instance
) -> None:
    add_hook(WebhookShape.SLACK, url=Secret(receiver.url("/services/T0/planted-path?sig=planted")))
    note(active, K.FAILED)
    receiver.text = "no such hook: /services/T0/planted-path?sig=planted" + "x" * 1000
    receiver.status = 404
    try_once()
    done = DeliveryTry.objects.get()
    assert receiver.taken[0].path == "/services/T0/planted-path?sig=planted"
    assert "planted" not in done.answer
    assert len(done.answer) <= 200


def test_nothing_goes_to_where_it_may_not_go_any_more(
    receiver: Receiver, add_hook: AddHook, active: Instance, settings: Settings
) -> None:
    add_hook()
    settings.TELLING = {**settings.TELLING, "WEBHOOK_HOSTS": "*"}
    note(active, K.FAILED)
    try_once()
    assert receiver.taken == []
    assert DeliveryTry.objects.get().problem == "policy"


def test_a_public_name_that_leads_inside_is_not_called(
    receiver: Receiver, add_hook: AddHook, active: Instance
) -> None:
    webhook, _ = add_hook(url=Secret("https://localhost/hook"))
    note(active, K.FAILED)
    try_once()
    assert DeliveryTry.objects.get().problem == "address"
    assert webhook.shown_url == "https://localhost/hook"


@pytest.mark.parametrize(
    ("listed", "url", "is_allowed"),
    [
        ("*", "https://hooks.example.com/a?b=c", True),
        ("*", "https://hooks.example.com:8443/a", False),
        ("*", "http://hooks.example.com/a", False),
        ("", "https://hooks.example.com/a", False),
        ("hooks.example.com:8443", "https://hooks.example.com:8443/a", True),
        ("http://10.0.0.1:80", "http://10.0.0.1/a", True),
        ("*", "https://user:password@hooks.example.com/", False),
        ("*", "https://hooks.example.com/#x", False),
        ("*", "https://hooks.example.com/ a", False),
        ("*", "https://[::1]/a", False),
        ("*", "ftp://hooks.example.com/a", False),
        ("*", "", False),
    ],
)
@pytest.mark.once
def test_where_a_webhook_may_go(
    settings: Settings, listed: str, url: str, is_allowed: bool
) -> None:
    settings.TELLING = {**settings.TELLING, "WEBHOOK_HOSTS": listed}
    try:
        hosts.check_webhook(url)
    except hosts.HostRefusedError:
        assert not is_allowed
    else:
        assert is_allowed


@pytest.mark.once
def test_no_spelling_of_an_inner_address_is_called(settings: Settings) -> None:
    settings.TELLING = {**settings.TELLING, "WEBHOOK_HOSTS": "*"}
    spelled = [f"https://{one}/" for one in spellings("127.0.0.1")]
    for url in [*spelled, *disguises("169.254.169.254"), *schemes()]:
        posted = post(Secret(url), "{}", {}, seconds=2.0)
        assert (posted.status, posted.problem in UNSENT) == (None, True), url


def test_nothing_of_a_webhook_that_is_secret_is_in_its_row(
    receiver: Receiver, add_hook: AddHook
) -> None:
    add_hook(WebhookShape.SLACK, url=Secret(receiver.url("/services/planted")))
    _, secret = add_hook()
    assert secret is not None
    rows = json.dumps(list(Webhook.objects.values()), default=str)
    assert "planted" not in rows
    assert secret.reveal() not in rows

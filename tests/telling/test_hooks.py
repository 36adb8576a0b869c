"""Webhooks: signed, at least once under one id, only to where they may go, and never more than is told."""

import hashlib
import hmac
import json
import time

import pytest
from django.contrib.auth.models import User

from instances import operations
from instances.engine import spreading
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
from tests.telling.conftest import ADDRESS, AddHook
from tests.telling.receivers import Receiver, Taken
from tests.telling.steps import deliver, note, try_once

pytestmark = pytest.mark.django_db(transaction=True)

K = NoticeKind


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


def test_nothing_of_a_webhook_that_is_secret_is_in_its_row(
    receiver: Receiver, add_hook: AddHook
) -> None:
    add_hook(WebhookShape.SLACK, url=Secret(receiver.url("/services/planted")))
    _, secret = add_hook()
    assert secret is not None
    rows = json.dumps(list(Webhook.objects.values()), default=str)
    assert "planted" not in rows
    assert secret.reveal() not in rows

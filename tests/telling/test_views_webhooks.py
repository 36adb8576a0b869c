"""Webhooks on the pages of an organization: for its admins, their secrets shown once or never."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from instances import vault
from instances.models import (
    AuditEntry,
    Delivery,
    DeliveryState,
    Organization,
    Webhook,
    WebhookShape,
)
from instances.vault import Purpose
from tests.telling.conftest import AddHook
from tests.telling.receivers import Receiver

pytestmark = pytest.mark.django_db

SLACK = "https://hooks.example.com/services/T0/planted"


@pytest.fixture
def desk(admin: User) -> Client:
    """A browser in which an admin is signed in."""
    client = Client()
    client.force_login(admin)
    return client


def form(**changes: Any) -> dict[str, Any]:
    typed = {"name": "On call", "shape": "signed", "url": "https://a.example.com/in"}
    return {**typed, "kinds": ["failed", "created"], **changes}


def add(desk: Client, organization: Organization, **changes: Any) -> Any:
    return desk.post(reverse("instances:webhook_new", args=[organization.pk]), form(**changes))


def test_the_secret_is_shown_once(desk: Client, organization: Organization) -> None:
    page = add(desk, organization).content.decode()
    webhook = Webhook.objects.get()
    secret = vault.open_sealed(webhook, "secret", purpose=Purpose.CHECK).reveal()
    assert secret in page
    assert webhook.kinds == ["failed", "created"]
    for name, pk in (("webhook", webhook.pk), ("webhooks", organization.pk)):
        shown = desk.get(reverse(f"instances:{name}", args=[pk])).content.decode()
        assert "https://a.example.com/in" in shown
        assert secret not in shown
        assert "ce1." not in shown
    assert secret not in str(list(AuditEntry.objects.values()))


def test_of_slack_only_the_host_is_shown(desk: Client, organization: Organization) -> None:
    assert add(desk, organization, shape="slack", url=SLACK).status_code == 302
    page = desk.get(Webhook.objects.get().get_absolute_url()).content.decode()
    assert "https://hooks.example.com" in page
    assert "planted" not in page


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "http://planted.example.com/"},
        {"url": "https://planted@a.example.com/"},
        {"url": ""},
        {"name": ""},
        {"kinds": []},
        {"kinds": ["webhook_off"]},
        {"shape": "other"},
    ],
)
def test_what_cannot_be_is_refused_and_no_address_repeated(
    desk: Client, organization: Organization, changes: dict[str, Any]
) -> None:
    answer = add(desk, organization, **changes)
    assert answer.status_code == 422
    assert "a.example.com/in" not in answer.content.decode()
    assert not Webhook.objects.exists()


def test_a_name_is_given_once(desk: Client, organization: Organization) -> None:
    add(desk, organization)
    answer = add(desk, organization)
    assert answer.status_code == 422
    assert "has a webhook of that name" in answer.content.decode()


def test_it_is_changed_and_its_address_stays(desk: Client, organization: Organization) -> None:
    add(desk, organization)
    webhook = Webhook.objects.get()
    changed = form(name="Night", url="", kinds=["failed"])
    assert desk.post(webhook.get_absolute_url(), changed).status_code == 302
    after = Webhook.objects.get()
    assert (after.name, after.kinds, after.is_active) == ("Night", ["failed"], False)
    assert after.url == webhook.url


def test_switched_on_again_it_begins_anew(add_hook: AddHook, desk: Client) -> None:
    webhook, _ = add_hook()
    Webhook.objects.update(is_active=False, failing_since="2026-01-01T00:00Z")
    assert "nothing arrived since" in desk.get(webhook.get_absolute_url()).content.decode()
    desk.post(webhook.get_absolute_url(), form(url="", is_active="on"))
    after = Webhook.objects.get()
    assert (after.is_active, after.failing_since) == (True, None)


def test_it_moves_with_its_secret_sealed_anew(add_hook: AddHook, desk: Client) -> None:
    webhook, _ = add_hook(WebhookShape.SLACK)
    desk.post(webhook.get_absolute_url(), form(url=SLACK, is_active="on"))
    after = Webhook.objects.get()
    assert after.shown_url == "https://hooks.example.com"
    assert vault.open_sealed(after, "url", purpose=Purpose.CHECK).reveal() == SLACK


def test_a_new_secret_is_shown_once_and_the_old_one_kept_for_a_day(
    add_hook: AddHook, desk: Client
) -> None:
    webhook, old = add_hook()
    page = desk.post(reverse("instances:webhook_secret", args=[webhook.pk])).content.decode()
    after = Webhook.objects.get()
    assert vault.open_sealed(after, "secret", purpose=Purpose.CHECK).reveal() in page
    kept = vault.open_sealed(after, "previous_secret", purpose=Purpose.CHECK)
    assert old is not None
    assert kept.reveal() == old.reveal()


def test_a_test_is_only_asked_for_and_never_sent_by_the_page(
    add_hook: AddHook, desk: Client, receiver: Receiver
) -> None:
    webhook, _ = add_hook()
    desk.post(reverse("instances:webhook_test", args=[webhook.pk]))
    assert receiver.taken == []
    assert Delivery.objects.get().state == DeliveryState.WAITING
    assert 'hx-trigger="every 2s"' in desk.get(webhook.get_absolute_url()).content.decode()


def test_nothing_is_asked_of_one_that_is_off(add_hook: AddHook, desk: Client) -> None:
    webhook, _ = add_hook()
    Webhook.objects.update(is_active=False)
    answer = desk.post(reverse("instances:webhook_test", args=[webhook.pk]), follow=True)
    assert "It is switched off" in answer.content.decode()
    assert not Delivery.objects.exists()


def test_a_message_is_sent_again(add_hook: AddHook, desk: Client) -> None:
    webhook, _ = add_hook()
    desk.post(reverse("instances:webhook_test", args=[webhook.pk]))
    Delivery.objects.update(state=DeliveryState.GIVEN_UP, tries=3)
    desk.post(reverse("instances:delivery_repeat", args=[Delivery.objects.get().pk]))
    after = Delivery.objects.get()
    assert (after.state, after.tries) == (DeliveryState.WAITING, 0)


def test_it_is_removed_with_what_waits(add_hook: AddHook, desk: Client) -> None:
    webhook, _ = add_hook()
    desk.post(reverse("instances:webhook_test", args=[webhook.pk]))
    desk.post(reverse("instances:webhook_remove", args=[webhook.pk]))
    assert not Webhook.objects.exists()
    assert not Delivery.objects.exists()


def test_everything_is_recorded(add_hook: AddHook, desk: Client) -> None:
    webhook, _ = add_hook()
    for name in ("secret", "test", "remove"):
        desk.post(reverse(f"instances:webhook_{name}", args=[webhook.pk]))
    done = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert done == [
        *("webhook.added", "webhook.secret_replaced", "webhook.tested", "webhook.removed"),
    ]

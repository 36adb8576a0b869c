"""Webhooks of an organization: added, changed, given another secret, tried, removed; by its admins."""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from instances import access, audit, hosts, messages, tasks, vault
from instances.access import Action
from instances.models import (
    Delivery,
    DeliveryState,
    Organization,
    Webhook,
    WebhookShape,
    database_now,
    new_id,
)
from instances.secret import Secret

# For so long both secrets sign after the new one was made.
OVERLAP = timedelta(days=1)


class WebhookNameTakenError(Exception):
    """The organization has a webhook of that name."""


class WebhookOffError(Exception):
    """It is switched off: nothing is sent to it."""


def add_webhook(
    *,
    actor: User,
    organization: Organization,
    name: str,
    shape: WebhookShape,
    url: Secret,
    kinds: Sequence[str],
) -> tuple[Webhook, Secret | None]:
    """
    Add a webhook; return it, and what it signs with, which nobody is shown again.

    :raises NotAllowedError: the actor may not administer the organization.
    :raises hosts.HostRefusedError: nothing may be sent to that address.
    :raises WebhookNameTakenError: there is one of that name.
    """
    access.require(actor, Action.ADMINISTER, organization)
    webhook = Webhook(
        organization=organization, name=name, shape=shape, kinds=list(kinds), created_by=actor
    )
    _set_url(webhook, url)
    secret = _set_secret(webhook) if shape == WebhookShape.SIGNED else None
    try:
        with transaction.atomic():
            webhook.save(force_insert=True)
            audit.record(actor, "webhook.added", webhook, address=webhook.shown_url, shape=shape)
    except IntegrityError as error:
        raise WebhookNameTakenError from error
    return webhook, secret


def change_webhook(
    *,
    actor: User,
    webhook: Webhook,
    name: str,
    kinds: Sequence[str],
    is_active: bool,
    url: Secret | None = None,
) -> None:
    """
    Change it; without a `url` it stays where it is. Switched on again, it begins anew.

    :raises NotAllowedError: the actor may not administer its organization.
    :raises hosts.HostRefusedError: nothing may be sent to that address.
    :raises WebhookNameTakenError: there is one of that name.
    """
    access.require(actor, Action.ADMINISTER, webhook.organization)
    changes: dict[str, Any] = {"name": name, "kinds": list(kinds), "is_active": is_active}
    if is_active and not webhook.is_active:
        changes["failing_since"] = None
    if url is not None:
        _set_url(webhook, url)
        changes |= {"url": webhook.url, "shown_url": webhook.shown_url}
    try:
        with transaction.atomic():
            Webhook.objects.filter(pk=webhook.pk).update(**changes)
            if not is_active:
                _drop_waiting(webhook)
            audit.record(
                actor,
                "webhook.changed",
                webhook,
                address=webhook.shown_url,
                moved=url is not None,
                is_active=is_active,
            )
    except IntegrityError as error:
        raise WebhookNameTakenError from error


def _drop_waiting(webhook: Webhook) -> None:
    waiting = Delivery.objects.filter(webhook=webhook, state=DeliveryState.WAITING)
    waiting.update(state=DeliveryState.DROPPED, finished_at=Now())


def replace_webhook_secret(*, actor: User, webhook: Webhook) -> Secret:
    """
    Make another secret; for a day messages are signed with both. Nobody is shown it again.

    :raises NotAllowedError: the actor may not administer its organization.
    """
    access.require(actor, Action.ADMINISTER, webhook.organization)
    with transaction.atomic():
        row = Webhook.objects.select_for_update(of=("self",)).get(pk=webhook.pk)
        before = vault.open_sealed(row, "secret", purpose=vault.Purpose.RESEAL)
        row.previous_secret = vault.seal(row, "previous_secret", before.reveal())
        row.previous_until = database_now() + OVERLAP
        secret = _set_secret(row)
        row.save(update_fields=["secret", "previous_secret", "previous_until"])
        audit.record(actor, "webhook.secret_replaced", row)
    return secret


def remove_webhook(*, actor: User, webhook: Webhook) -> None:
    """
    Remove it, with what was sent to it.

    :raises NotAllowedError: the actor may not administer its organization.
    """
    access.require(actor, Action.ADMINISTER, webhook.organization)
    with transaction.atomic():
        audit.record(actor, "webhook.removed", webhook, address=webhook.shown_url)
        webhook.delete()


def request_webhook_test(*, actor: User, webhook: Webhook) -> Delivery:
    """
    Ask that a worker sends a test.

    :raises NotAllowedError: the actor may not administer its organization.
    :raises WebhookOffError: it is switched off.
    """
    access.require(actor, Action.ADMINISTER, webhook.organization)
    if not webhook.is_active:
        raise WebhookOffError
    event_id = new_id()
    with transaction.atomic():
        delivery = Delivery.objects.create(
            webhook=webhook,
            event_id=event_id,
            kind="test",
            body=messages.trial(webhook, event_id, database_now()),
        )
        audit.record(actor, "webhook.tested", webhook)
        transaction.on_commit(partial(tasks.ring_for_telling, delivery.pk))
    return delivery


def request_redelivery(*, actor: User, delivery: Delivery) -> None:
    """
    Ask that a worker sends the same message again, under the same id.

    :raises NotAllowedError: the actor may not administer its organization.
    :raises WebhookOffError: its webhook is switched off.
    """
    webhook = delivery.webhook
    access.require(actor, Action.ADMINISTER, webhook.organization)
    if not webhook.is_active:
        raise WebhookOffError
    with transaction.atomic():
        Delivery.objects.filter(pk=delivery.pk).update(
            state=DeliveryState.WAITING, tries=0, due_at=Now(), finished_at=None
        )
        audit.record(actor, "webhook.redelivered", webhook, message=str(delivery.event_id))
        transaction.on_commit(partial(tasks.ring_for_telling, delivery.pk))


def _set_url(webhook: Webhook, url: Secret) -> None:
    address = hosts.check_webhook(url.reveal())
    webhook.url = vault.seal(webhook, "url", address)
    # What comes behind the host is a secret of its own at Slack, and often a query is one.
    is_open = webhook.shape == WebhookShape.SIGNED
    shown = address.partition("?")[0] if is_open else hosts.origin(address.partition("?")[0])
    webhook.shown_url = shown[:300]


def _set_secret(webhook: Webhook) -> Secret:
    secret = Secret(f"whsec_{secrets.token_urlsafe(32)}")
    webhook.secret = vault.seal(webhook, "secret", secret.reveal())
    return secret

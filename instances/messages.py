"""The text that a webhook gets of a notice: JSON, with no person's name, no secret and no configuration."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from instances.models import Notice, NoticeKind, Organization, Webhook, WebhookShape
from instances.wording import one_line, public_words

TEST = "This is a test. It was asked for on the page of the webhook."


def body_of(webhook: Webhook, notice: Notice) -> str:
    """Return what `webhook` is sent of `notice`; it stays the same at every try."""
    told = public_words(notice)
    about = {"id": str(notice.instance.pk), "name": told.name} if notice.instance else None
    document = {
        "id": str(notice.pk),
        "kind": notice.kind,
        "label": told.label,
        "at": _moment(notice.at),
        "organization": _organization(notice.organization),
        "subject": told.name,
        "instance": about,
        "text": told.sentence,
        "link": told.link,
    }
    return _shaped(webhook, document)


def trial(webhook: Webhook, event_id: UUID, at: datetime) -> str:
    """Return what `webhook` is sent as a test."""
    document = {
        "id": str(event_id),
        "kind": "test",
        "label": "Test",
        "at": _moment(at),
        "organization": _organization(webhook.organization),
        "subject": one_line(webhook.name),
        "instance": None,
        "text": TEST,
        "link": "",
    }
    return _shaped(webhook, document)


def _shaped(webhook: Webhook, document: dict[str, Any]) -> str:
    if webhook.shape == WebhookShape.SIGNED:
        return json.dumps(document)
    head = f"{document['label']}: {document['subject']}"
    lines = [head, f"{document['text']} ({document['organization']['name']})"]
    escaped = [_for_slack(line) for line in lines]
    return json.dumps({"text": "\n".join([*escaped, *filter(None, [document["link"]])])})


def _for_slack(text: str) -> str:
    """Escape the three characters that Slack reads: links, and calls to everybody, are written in them."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _organization(organization: Organization) -> dict[str, str]:
    return {"id": str(organization.pk), "name": one_line(organization.name)}


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def wants(webhook: Webhook, notice: Notice) -> bool:
    """Tell whether `webhook` is to be told of `notice`."""
    return notice.kind in webhook.kinds and notice.kind != NoticeKind.WEBHOOK_OFF

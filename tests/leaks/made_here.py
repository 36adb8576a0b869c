"""Secrets that the product itself makes for people and programs, made by its own operations."""

import uuid
from datetime import timedelta

from django.contrib.auth.models import User

from instances import operations
from instances.models import Organization, Role, Scope, WebhookShape
from instances.one_time import code_at, digest_of, present_step
from instances.secret import Secret

# Of an address for Slack everything behind the host is secret, of another one its query.
ADDRESSES = {
    WebhookShape.SLACK: "https://hooks.slack.com/services/T0/B0/planted-slack-address-7Q",
    WebhookShape.SIGNED: "https://hooks.example/in?key=planted-query-of-address-7Q",
}


def make_secrets(actor: User, organization: Organization) -> dict[str, str]:
    """Make one of each kind; return them by name."""
    seed, _address = operations.address_of(operations.begin_app(actor=actor))
    codes = operations.confirm_app(actor=actor, code=code_at(seed, present_step()), address="")
    made = {f"recovery code {number}": code for number, code in enumerate(codes)}
    made |= {f"digest of code {number}": digest_of(code) for number, code in enumerate(codes)}
    _key, text = operations.make_api_key(
        actor=actor,
        organization=organization,
        name="Nightly",
        scopes=[Scope.READ],
        lifetime=timedelta(days=7),
        networks=[],
        client_request_id=uuid.uuid4(),
    )
    _row, link = operations.invite(
        actor=actor, organization=organization, email="nora@desk.example", role=Role.VIEWER
    )
    made |= {"seed": seed, "API key": text.reveal(), "link": link.reveal()}
    return made | _webhooks(actor, organization)


def _webhooks(actor: User, organization: Organization) -> dict[str, str]:
    made = {"address for Slack": "planted-slack-address-7Q", "query": "planted-query-of-address-7Q"}
    for shape, address in ADDRESSES.items():
        _hook, secret = operations.add_webhook(
            actor=actor,
            organization=organization,
            name=str(shape.value),
            shape=shape,
            url=Secret(address),
            kinds=["failed"],
        )
        if secret is not None:
            made["secret of a webhook"] = secret.reveal()
    return made

"""Secrets are replaced make-before-break: checked first, the old ones used until then; and verified: what its tests share."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User

from instances import operations, vault
from instances.models import (
    Instance,
    Organization,
)
from instances.operations import SecretPair
from instances.secret import Secret
from instances.vault import Purpose
from sandbox.running import Account

Ask = Callable[..., Instance]


def pair_of(account: Account) -> SecretPair:
    return SecretPair(Secret(account.user_secret), Secret(account.organization_secret))


def enter(organization: Organization, actor: User, pair: SecretPair, **changes: object) -> None:
    """Enter new secrets as the form does."""
    asked: dict[str, Any] = {
        "name": organization.name,
        "base_url": organization.base_url,
        "is_active": True,
    }
    operations.change_organization(
        actor=actor,
        organization=organization,
        environment_label="",
        secrets=pair,
        **(asked | changes),
    )


def read(organization: Organization) -> Organization:
    return Organization.objects.get(pk=organization.pk)


def opened(organization: Organization) -> str:
    return vault.open_sealed(read(organization), "user_secret", purpose=Purpose.CHECK).reveal()

"""Keys of programs: make one, make its successor, revoke it, and know it again (decision 0018)."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now

from instances import access, audit, key_text, vault
from instances.access import Action
from instances.models import (
    SCOPE_COLUMNS,
    ApiKey,
    AuditResult,
    Organization,
    Scope,
    database_now,
)
from instances.secret import Secret

USE = "API key"
LONGEST = timedelta(days=366)
MOST_OVERLAP = timedelta(days=30)


class KeyMadeError(Exception):
    """This form was sent before: its key was made then, and is not shown a second time."""


class KeyOverError(Exception):
    """The key is revoked or has expired, or has a successor already."""


class KeyRefusedError(Exception):
    """Nobody comes in with this; the text says why, to whoever holds a real key."""


REFUSALS = {
    "revoked": "This key is revoked.",
    "expired": "This key has expired.",
    "address": "This key is not taken from your address.",
    "owner": "The owner of this key does not belong to its organization any more.",
}


def make_api_key(
    *,
    actor: User,
    organization: Organization,
    name: str,
    scopes: Collection[Scope],
    lifetime: timedelta,
    networks: Sequence[str],
    client_request_id: UUID,
) -> tuple[ApiKey, Secret]:
    """
    Make a key of the actor's, and return it with its text, which is kept nowhere.

    :raises NotAllowedError: the actor does not belong to the organization.
    :raises KeyMadeError: the id was used before.
    """
    access.require(actor, Action.VIEW, organization)
    held = {column: scope in scopes for scope, column in SCOPE_COLUMNS.items()}
    key = ApiKey(owner=actor, organization=organization, name=name, networks=list(networks), **held)
    key.client_request_id = client_request_id
    with transaction.atomic():
        text = _store(key, lifetime)
        audit.record(actor, "key.made", key, **_told(key))
    return key, text


def rotate_api_key(
    *, actor: User, key: ApiKey, overlap: timedelta, client_request_id: UUID
) -> tuple[ApiKey, Secret]:
    """
    Make a successor that may do and lasts as long as `key`, which ends after `overlap` at the latest.

    :raises NotAllowedError: it is not the actor's key, or they belong to its organization no more.
    :raises KeyOverError: it is over, or has a successor already.
    :raises KeyMadeError: the id was used before.
    """
    if key.owner_id != actor.pk:
        raise access.NotAllowedError("rotate somebody's key")
    access.require(actor, Action.VIEW, key.organization)
    held = {column: getattr(key, column) for column in SCOPE_COLUMNS.values()}
    new = ApiKey(owner=actor, organization=key.organization, name=key.name, replaces=key, **held)
    new.networks, new.client_request_id = key.networks, client_request_id
    with transaction.atomic():
        if ApiKey.objects.filter(client_request_id=client_request_id).exists():
            raise KeyMadeError
        rows = ApiKey.objects.usable().filter(pk=key.pk, successor__isnull=True)
        ends = min(key.expires_at, database_now() + min(overlap, MOST_OVERLAP))
        if not rows.update(expires_at=ends):
            raise KeyOverError
        text = _store(new, key.expires_at - key.created_at)
        audit.record(actor, "key.rotated", key, new=str(new), days=overlap.days)
        audit.record(actor, "key.made", new, **_told(new))
    return new, text


def _store(key: ApiKey, lifetime: timedelta) -> Secret:
    if ApiKey.objects.filter(client_request_id=key.client_request_id).exists():
        raise KeyMadeError
    text = key_text.make()
    key.prefix = key_text.prefix_of(text.reveal())
    key.digest = vault.digest(text.reveal(), USE)
    key.created_at = database_now()
    key.expires_at = key.created_at + min(lifetime, LONGEST)
    key.save(force_insert=True)
    return text


def _told(key: ApiKey) -> dict[str, Any]:
    until = key.expires_at.isoformat()
    return {"scopes": [*key.scopes], "until": until, "networks": list(key.networks)}


def revoke_api_key(*, actor: User, key: ApiKey) -> None:
    """
    End a key at once, for good.

    :raises NotAllowedError: it is not the actor's, nor do they administer its organization.
    :raises KeyOverError: somebody revoked it before.
    """
    if key.owner_id != actor.pk:
        access.require(actor, Action.ADMINISTER, key.organization)
    with transaction.atomic():
        rows = ApiKey.objects.filter(pk=key.pk, revoked_at__isnull=True)
        if not rows.update(revoked_at=Now(), revoked_by=actor):
            raise KeyOverError
        audit.record(actor, "key.revoked", key)


def know_api_key(text: str, *, address: str) -> ApiKey:
    """
    Return the key of a program that calls from `address`; its owner's rights are to be asked now.

    That it was used is written at most once a minute, and so is that a real key was refused.

    :raises KeyRefusedError: it is none, or over, or not for this address, or its owner has left.
    """
    prefix = key_text.prefix_of(text)
    rows = ApiKey.objects.filter(prefix=prefix).select_related("owner", "organization", "replaces")
    key = rows.first() if prefix else None
    if key is None or not vault.is_digest_of(text, USE, key.digest):
        raise KeyRefusedError("This is not a key of this server.")
    if why := _why_not(key, address):
        if ApiKey.objects.note(key, "last_refused_at"):
            audit.record(
                None, "key.refused", key, result=AuditResult.REFUSED, by=str(key), reason=why
            )
        raise KeyRefusedError(REFUSALS[why])
    _keep_known(key, text)
    ApiKey.objects.note(key, "last_used_at", last_address=address[:45])
    return key


def _why_not(key: ApiKey, address: str) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if not ApiKey.objects.usable().filter(pk=key.pk).exists():
        return "expired"
    if key.networks and not _is_within(address, key.networks):
        return "address"
    return "" if access.is_member(key.owner, key.organization) else "owner"


def _is_within(address: str, networks: Sequence[str]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    # A server that listens on both writes an address of version 4 so.
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(parsed in ip_network(one) for one in networks)


def _keep_known(key: ApiKey, text: str) -> None:
    """Keep its digest by the primary key, so that an older one may leave the key ring."""
    if not key.digest.startswith(f"{vault.ring().primary}."):
        ApiKey.objects.filter(pk=key.pk).update(digest=vault.digest(text, USE))

"""Add an organization, change it, replace its secrets."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone

from instances import access, audit, hosts, vault
from instances.access import Action
from instances.models import BreakerState, Membership, Organization, Role, Synchronization
from instances.operations.secrets import propose_secrets
from instances.secret import Secret


class SecretsNeededError(Exception):
    """The origin changes, and secrets are bound to it: both must be given again."""


class NameTakenError(Exception):
    """Another organization has this name, perhaps since a moment ago."""


@contextmanager
def _unless_taken(organization: Organization) -> Iterator[None]:
    """Turn the refusal of a second organization of the same name into its own error."""
    try:
        yield
    except IntegrityError as error:
        others = Organization.objects.filter(name=organization.name).exclude(pk=organization.pk)
        if others.exists():
            raise NameTakenError from error
        raise


@dataclass(frozen=True)
class SecretPair:
    """The account-wide secrets, as typed."""

    user_secret: Secret
    organization_secret: Secret

    @property
    def is_complete(self) -> bool:
        return bool(self.user_secret) and bool(self.organization_secret)


def create_organization(
    *,
    actor: User | None,
    name: str,
    base_url: str,
    secrets: SecretPair,
    environment_label: str = "",
    is_active: bool = True,
    calls_in_flight: int | None = None,
    asks_reason: bool | None = None,
) -> Organization:
    """
    Add an organization, its secrets sealed; its creator becomes its admin.

    `actor` None means the server's command line.

    :raises NotAllowedError: the actor may not add organizations.
    :raises HostRefusedError: the base URL is malformed or its host is not on the allow-list.
    :raises SecretsNeededError: one of the two is missing.
    :raises NameTakenError: another organization has this name.
    """
    if actor is not None and not access.may_create_organizations(actor):
        raise access.NotAllowedError("create organization")
    organization = Organization(
        name=name,
        base_url=hosts.normalize(base_url),
        environment_label=environment_label,
        is_active=is_active,
        calls_in_flight=calls_in_flight,
        asks_reason=bool(asks_reason),
    )
    _seal_pair(organization, secrets)
    with _unless_taken(organization), transaction.atomic():
        organization.save(force_insert=True)
        if actor is not None:
            Membership.objects.create(user=actor, organization=organization, role=Role.ADMIN)
        audit.record(
            actor,
            "organization.created",
            organization,
            by=audit.COMMAND_LINE,
            base_url=organization.base_url,
        )
    return organization


def change_organization(
    *,
    actor: User,
    organization: Organization,
    name: str,
    base_url: str,
    environment_label: str,
    is_active: bool,
    secrets: SecretPair,
    calls_in_flight: int | None = None,
    asks_reason: bool | None = None,
) -> Organization:
    """
    Change an organization; an incomplete pair keeps the secrets, a complete one replaces them later.

    New secrets, and the base URL with them, take the place of the old ones once a worker has seen
    that the platform accepts them; until then the old ones are used.

    :raises NotAllowedError: the actor may not administer it.
    :raises HostRefusedError: the base URL is malformed or its host is not on the allow-list.
    :raises SecretsNeededError: one of two given, or another origin without both.
    :raises NameTakenError: another organization has this name.
    """
    access.require(actor, Action.ADMINISTER, organization)
    return apply_organization_change(
        actor=actor,
        organization=organization,
        name=name,
        base_url=base_url,
        environment_label=environment_label,
        is_active=is_active,
        secrets=secrets,
        calls_in_flight=calls_in_flight,
        asks_reason=asks_reason,
    )


def apply_organization_change(
    *,
    actor: User,
    organization: Organization,
    name: str,
    base_url: str,
    environment_label: str,
    is_active: bool,
    secrets: SecretPair,
    calls_in_flight: int | None = None,
    asks_reason: bool | None = None,
) -> Organization:
    """Do what `change_organization` does, for Django admin, where Django's permissions count."""
    base_url = hosts.normalize(base_url)
    with transaction.atomic():
        # Somebody else may have changed it since the caller read it: decide on the row as it is.
        organization = Organization.objects.select_for_update().get(pk=organization.pk)
        _refuse_half_a_pair(organization, base_url, secrets)
        organization.name, organization.environment_label = name, environment_label
        organization.is_active, organization.calls_in_flight = is_active, calls_in_flight
        changed = ["name", "environment_label", "is_active", "calls_in_flight"]
        if asks_reason is not None:
            organization.asks_reason = asks_reason
            changed.append("asks_reason")
        if not secrets.is_complete:
            organization.base_url = base_url
            changed.append("base_url")
        with _unless_taken(organization), transaction.atomic():
            organization.save(update_fields=changed)
        if secrets.is_complete:
            propose_secrets(
                actor,
                organization,
                base_url=base_url,
                user_secret=secrets.user_secret,
                organization_secret=secrets.organization_secret,
            )
        audit.record(
            actor,
            "organization.changed",
            organization,
            base_url=organization.base_url,
            asks_reason=organization.asks_reason,
        )
    return organization


def request_audit(*, actor: User, organization: Organization) -> None:
    """
    Ask for a search of the account, with the next sweep, for our tags on what is not here.

    :raises NotAllowedError: the actor may not administer it.
    """
    access.require(actor, Action.ADMINISTER, organization)
    with transaction.atomic():
        Organization.objects.filter(pk=organization.pk).update(audit_due_at=Now())
        Synchronization.objects.filter(organization=organization).update(cancel_asked_at=None)
        audit.record(actor, "organization.audit_requested", organization)


def request_probe(*, actor: User, organization: Organization) -> bool:
    """
    Ask for the harmless question that ends a pause, with the next sweep; False if none is needed.

    :raises NotAllowedError: the actor may not create instances there.
    """
    access.require(actor, Action.CREATE, organization)
    with transaction.atomic():
        paused = Organization.objects.filter(pk=organization.pk, breaker=BreakerState.OPEN)
        if not paused.update(paused_until=Now()):
            return False
        audit.record(actor, "organization.probe_requested", organization)
    return True


def _refuse_half_a_pair(organization: Organization, base_url: str, secrets: SecretPair) -> None:
    is_moving = hosts.origin(base_url) != organization.origin
    has_one = bool(secrets.user_secret) or bool(secrets.organization_secret)
    if (is_moving or has_one) and not secrets.is_complete:
        raise SecretsNeededError


def _seal_pair(organization: Organization, secrets: SecretPair) -> None:
    if not secrets.is_complete:
        raise SecretsNeededError
    pair = {
        "user_secret": secrets.user_secret.reveal().strip(),
        "organization_secret": secrets.organization_secret.reveal().strip(),
    }
    for name, plaintext in pair.items():
        setattr(organization, name, vault.seal(organization, name, plaintext))
    organization.secrets_set_at = timezone.now()
    organization.secrets_refused_at = None
    organization.account = ""

"""The platform account behind an organization: a client for it, and whether it accepts us."""

from functools import partial

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from instances import audit, vault
from instances.cloud_elements import CloudElementsClient, Credentials, UnauthorizedError
from instances.engine import breaker, calls
from instances.models import (
    Notice,
    NoticeKind,
    Organization,
    key_of,
    notice_of_organization,
)
from instances.vault import Purpose

logger = structlog.get_logger(__name__)


def client_for(organization: Organization, during: calls.During = calls.one) -> CloudElementsClient:
    """
    Return a client with the organization's secrets, opened for this use.

    Each call happens inside `during`.

    :raises UnreadableError: a secret does not open, for instance since the origin was changed.
    """
    return CloudElementsClient(
        organization.base_url,
        Credentials(
            user_secret=vault.open_sealed(organization, "user_secret", purpose=Purpose.CALL),
            organization_secret=vault.open_sealed(
                organization, "organization_secret", purpose=Purpose.CALL
            ),
        ),
        ca_bundle=settings.EGRESS["CA_BUNDLE"],
        seconds=settings.ENGINE["CALL_SECONDS"],
        observe=partial(breaker.note, organization),
        during=during,
    )


def identify(organization: Organization, client: CloudElementsClient) -> str:
    """
    Ask the platform which account the secrets open; also the proof that they are accepted.

    Recorded the first time, once for each pair of secrets.

    :returns: origin and the platform's id of the account; the origin alone if it does not tell.
    :raises CloudElementsError: as `CloudElementsClient.identify`.
    """
    account = account_named(organization.origin, client.identify())
    if not organization.account:
        organization.account = account
        same_secrets(organization).update(account=account)
    return account


def learn_account(organization: Organization, client: CloudElementsClient) -> None:
    """Ask which account it is, unless that is known."""
    if not organization.account:
        identify(organization, client)


def are_refused(organization: Organization, client: CloudElementsClient) -> bool:
    """
    Tell whether it was the secrets that were refused (then every call stops), or one request only.

    :raises CloudElementsError: the platform does not answer the question.
    """
    try:
        client.identify()
    except UnauthorizedError:
        mark_refused(organization)
        return True
    return False


def mark_refused(organization: Organization) -> bool:
    """
    Stop every call for this organization until its secrets are replaced.

    Returns False if they were replaced meanwhile: then nothing is known of the new ones. Inside a
    transaction the row stays locked, so that no replacement slips in before its end.
    """
    with transaction.atomic():
        if not same_secrets(organization).select_for_update().exists():
            return False
        refused = same_secrets(organization).filter(secrets_refused_at=None)
        if refused.update(secrets_refused_at=Now()):
            audit.record(None, "organization.refused", organization)
            # After each pair of secrets once.
            key = key_of("refused", organization.pk, organization.secrets_version)
            kind = NoticeKind.SECRETS_REFUSED
            Notice.objects.note(notice_of_organization(organization, kind, key, about="secrets"))
            logger.warning("secrets refused", organization=str(organization.pk))
    return True


def account_named(origin: str, identity: str) -> str:
    """Return how an account is called here: origin and the platform's id; the origin alone without one."""
    return f"{origin}/organizations/{identity}" if identity else origin


def same_secrets(organization: Organization) -> QuerySet[Organization]:
    """Return the row while it has the pair of secrets that was read with it, else nothing."""
    return Organization.objects.filter(
        pk=organization.pk, secrets_version=organization.secrets_version
    )

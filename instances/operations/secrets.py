"""New secrets for an organization: entered, checked by a worker, and only then used; old ones verified."""

from functools import partial

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now

from instances import access, audit, tasks, vault
from instances.access import Action
from instances.models import Candidate, CandidateState, Organization
from instances.secret import Secret


class NothingToConfirmError(Exception):
    """The new secrets were replaced, used or taken back meanwhile: look at the page again."""


def propose_secrets(
    actor: User,
    organization: Organization,
    *,
    base_url: str,
    user_secret: Secret,
    organization_secret: Secret,
) -> None:
    """
    Keep a new pair beside the present one until a worker has asked the platform about it.

    In the caller's transaction, which holds the organization's row; a pair that waits is replaced.
    """
    Candidate.objects.filter(organization=organization).delete()
    candidate = Candidate(organization=organization, base_url=base_url, asked_by=actor)
    for name, typed in (("user_secret", user_secret), ("organization_secret", organization_secret)):
        setattr(candidate, name, vault.seal(candidate, name, typed.reveal().strip()))
    candidate.save(force_insert=True)
    audit.record(actor, "secrets.entered", organization, base_url=base_url)
    transaction.on_commit(partial(tasks.ring_for_check, organization.pk))


def confirm_secrets(*, actor: User, organization: Organization, account: str) -> None:
    """
    Let new secrets take the place of the old ones although they open another `account`.

    :raises NotAllowedError: the actor may not administer it.
    :raises NothingToConfirmError: nothing waits for that, or it is about another account by now.
    """
    access.require(actor, Action.ADMINISTER, organization)
    with transaction.atomic():
        waiting = Candidate.objects.filter(
            organization=organization, state=CandidateState.OTHER_ACCOUNT, account=account
        )
        if not waiting.update(
            state=CandidateState.WAITING, confirmed_account=account, asked_by=actor, due_at=Now()
        ):
            raise NothingToConfirmError
        audit.record(actor, "secrets.confirmed", organization, account=account)
        transaction.on_commit(partial(tasks.ring_for_check, organization.pk))


def discard_secrets(*, actor: User, organization: Organization) -> bool:
    """
    Erase new secrets that were not used yet; False if there are none. The old ones stay.

    :raises NotAllowedError: the actor may not administer it.
    """
    access.require(actor, Action.ADMINISTER, organization)
    with transaction.atomic():
        if not Candidate.objects.filter(organization=organization).delete()[0]:
            return False
        audit.record(actor, "secrets.discarded", organization)
    return True


def request_verification(*, actor: User, organization: Organization) -> bool:
    """
    Ask a worker whether the platform accepts the secrets, and whose they are; False if one does.

    :raises NotAllowedError: the actor may not create instances there.
    """
    access.require(actor, Action.CREATE, organization)
    with transaction.atomic():
        idle = Organization.objects.filter(pk=organization.pk, verify_asked_at__isnull=True)
        if not idle.update(verify_asked_at=Now(), verify_due_at=Now()):
            return False
        audit.record(actor, "organization.verification_requested", organization)
        transaction.on_commit(partial(tasks.ring_for_check, organization.pk))
    return True

"""Invite somebody into an organization by a link, take that back, accept it."""

import hashlib
import secrets
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from instances import access, audit
from instances.access import Action
from instances.models import Invitation, Membership, Organization, Role
from instances.operations import tries
from instances.secret import Secret

INVITATION_DAYS = 7
RANK = list(Role)


class InvitationOverError(Exception):
    """The link is none, or not any more: used, revoked, expired, or its giver may not invite now."""


class UserNameTakenError(Exception):
    """Somebody else has this user name."""


def may_invite(user: User, organization: Organization) -> bool:
    """Tell whether somebody may let others into the organization: its admins, and superusers."""
    is_root = user.is_active and user.is_superuser
    return is_root or access.can(user, Action.ADMINISTER, organization)


def invite(
    *, actor: User, organization: Organization, email: str, role: Role
) -> tuple[Invitation, Secret]:
    """
    Return a new invitation, and the part of its link that is kept nowhere.

    :raises NotAllowedError: the actor may not invite.
    """
    _require(actor, organization)
    token = secrets.token_urlsafe(32)
    row = Invitation(organization=organization, email=email, role=role, invited_by=actor)
    row.digest = digest_of(token)
    row.expires_at = timezone.now() + timedelta(days=INVITATION_DAYS)
    with transaction.atomic():
        row.save(force_insert=True)
        audit.record(actor, "invitation.made", organization, email=email, role=role)
    return row, Secret(token)


def revoke_invitation(*, actor: User, invitation: Invitation) -> bool:
    """
    Make a link dead; tell whether it was alive.

    :raises NotAllowedError: the actor may not invite.
    """
    _require(actor, invitation.organization)
    with transaction.atomic():
        alive = Invitation.objects.open().filter(pk=invitation.pk)
        if not alive.update(revoked_at=timezone.now()):
            return False
        audit.record(
            actor,
            "invitation.revoked",
            invitation.organization,
            email=invitation.email,
            role=invitation.role,
        )
    return True


def _require(actor: User, organization: Organization) -> None:
    if not may_invite(actor, organization):
        raise access.NotAllowedError("invite", organization)


def digest_of(token: str) -> str:
    """Return what is kept of a link."""
    return hashlib.sha256(token.encode()).hexdigest()


def find_invitation(digest: str, *, address: str) -> Invitation:
    """
    Return the invitation of a link that somebody followed; wrong ones are counted for their address.

    :raises InvitationOverError: there is none, or not any more.
    :raises TooManyTriesError: nothing is looked up.
    """
    where = tries.caller(address)
    tries.count(where)
    rows = Invitation.objects.open().select_related("organization", "invited_by")
    row = rows.filter(digest=digest).first()
    if row is None or not may_invite(row.invited_by, row.organization):
        raise InvitationOverError
    tries.uncount(where)
    return row


def accept_invitation(*, actor: User, invitation: Invitation) -> None:
    """
    Join as somebody who is signed in; a role that allows more is kept.

    :raises InvitationOverError: somebody was quicker, or it ended meanwhile.
    """
    with transaction.atomic():
        _accept(actor, invitation)


def accept_as_new(*, invitation: Invitation, username: str, password: str) -> User:
    """
    Make an account, whose password a form has found good, and join with it.

    :raises InvitationOverError: somebody was quicker, or it ended meanwhile.
    :raises UserNameTakenError: choose another one.
    """
    try:
        with transaction.atomic():
            user = User.objects.create_user(username, invitation.email, password)
            audit.record(user, "person.added", user, how="invitation")
            _accept(user, invitation)
    except IntegrityError as error:
        raise UserNameTakenError from error
    return user


def _accept(user: User, invitation: Invitation) -> None:
    alive = Invitation.objects.open().filter(pk=invitation.pk)
    if not alive.update(accepted_at=timezone.now(), accepted_by=user):
        raise InvitationOverError
    organization, role = invitation.organization, Role(invitation.role)
    held, _is_new = Membership.objects.get_or_create(
        user=user, organization=organization, defaults={"role": role}
    )
    if RANK.index(Role(held.role)) < RANK.index(role):
        Membership.objects.filter(pk=held.pk).update(role=role)
    audit.record(user, "invitation.accepted", organization, email=invitation.email, role=role)

"""Adopt what is only on the platform: some lines at once, or all of them in the background."""

from functools import partial

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from instances import access, adoptions, audit, tasks
from instances.access import Action
from instances.models import Intake, ListedInstance, Organization, Standing, only_there


class NoMemberError(Exception):
    """Who shall own what is adopted is no member of the organization."""


class NothingOnlyThereError(Exception):
    """Everything on the platform is here already."""


class IntakeUnderWayError(Exception):
    """Everything was asked for already, and is being adopted."""


def request_intake(*, actor: User, organization: Organization, owner: User) -> Intake:
    """
    Ask that everything which is only there now be adopted for `owner`, in parts.

    :raises NotAllowedError: the actor may not administer the organization.
    :raises NoMemberError: `owner` is no member of it.
    :raises NothingOnlyThereError: there is nothing to adopt.
    :raises IntakeUnderWayError: that was asked for already and goes on.
    """
    access.require(actor, Action.ADMINISTER, organization)
    _require_member(owner, organization)
    rows = only_there(organization)
    newest = rows.order_by("-pk").values_list("pk", flat=True).first()
    if newest is None:
        raise NothingOnlyThereError
    wish = Intake(organization=organization, requester=actor, owner=owner, until=newest)
    wish.total = rows.filter(pk__lte=newest).count()
    try:
        with transaction.atomic():
            wish.save(force_insert=True)
            audit.record(
                actor,
                "organization.adoption_requested",
                organization,
                count=wish.total,
                owner=owner.get_username(),
            )
    except IntegrityError as error:
        raise IntakeUnderWayError from error
    return wish


def stop_intake(*, actor: User, organization: Organization) -> bool:
    """
    Take no further part; what was asked for so far is adopted. False if nothing goes on.

    :raises NotAllowedError: the actor may not administer the organization.
    """
    access.require(actor, Action.ADMINISTER, organization)
    with transaction.atomic():
        running = Intake.objects.filter(organization=organization, ended_at=None)
        if not running.update(ended_at=Now(), problem=f"{actor} stopped it."):
            return False
        audit.record(actor, "organization.adoption_stopped", organization)
    return True


def adopt_listed(
    actor: User, organization: Organization, owner: User, rows: QuerySet[ListedInstance]
) -> int:
    """
    Ask for the adoption of lines that the caller's transaction holds; return of how many.

    :raises NoMemberError: `owner` is no member of the organization.
    """
    _require_member(owner, organization)
    lines = rows.filter(standing=Standing.ONLY_THERE, instance=None)
    held = list(lines.select_related("organization"))
    wishes = adoptions.ask(held, requester=actor, owner=owner)
    if wishes:
        transaction.on_commit(partial(tasks.ring, wishes[0].pk))
    return len(wishes)


def _require_member(owner: User, organization: Organization) -> None:
    if not access.is_member(owner, organization):
        raise NoMemberError

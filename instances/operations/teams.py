"""Teams of an organization: made, renamed, filled and ended by its admins."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from instances import access, audit
from instances.access import Action
from instances.models import Organization, Team
from instances.operations.grounds import resting


class TeamNameTakenError(Exception):
    """The organization has a team of this name, perhaps since a moment ago."""


def create_team(*, actor: User, organization: Organization, name: str) -> Team:
    """
    Make a team without anybody in it yet.

    :raises NotAllowedError: the actor may not administer the organization.
    :raises TeamNameTakenError: there is one of this name.
    """
    access.require(actor, Action.ADMINISTER, organization)
    team = Team(organization=organization, name=name)
    _save(actor, team, "team.created")
    return team


def rename_team(*, actor: User, team: Team, name: str) -> None:
    """
    Give a team another name.

    :raises NotAllowedError: the actor may not say who is in it.
    :raises TeamNameTakenError: there is one of this name.
    """
    _require(actor, team)
    team.name = name
    _save(actor, team, "team.renamed")


def _save(actor: User, team: Team, action: str) -> None:
    try:
        with transaction.atomic():
            team.save()
            audit.record(actor, action, team)
    except IntegrityError as error:
        raise TeamNameTakenError from error


def add_to_team(*, actor: User, team: Team, user: User) -> None:
    """
    Put a person into a team; what is shared with it is shared with them from now on.

    :raises NotAllowedError: the actor may not say who is in it.
    """
    _require(actor, team)
    compose_team(actor=actor, team=team, people=[*team.members.all(), user])


def remove_from_team(*, actor: User, team: Team, user: User) -> None:
    """
    Take a person out of a team, and with that what they gave on because of it.

    :raises NotAllowedError: the actor may not say who is in it.
    """
    _require(actor, team)
    compose_team(actor=actor, team=team, people=team.members.exclude(pk=user.pk))


def compose_team(*, actor: User, team: Team, people: Iterable[User]) -> None:
    """Say who is in a team; called where the right to do so is known, as in Django admin."""
    wanted = {person.pk: person for person in people}
    with transaction.atomic(), resting(actor, set(team.shares.values_list("instance", flat=True))):
        present = {person.pk: person for person in team.members.all()}
        for pk in wanted.keys() - present.keys():
            team.members.add(pk)
            audit.record(actor, "team.joined", team, person=wanted[pk].get_username())
        for pk in present.keys() - wanted.keys():
            team.members.remove(pk)
            audit.record(actor, "team.left", team, person=present[pk].get_username())


def delete_team(*, actor: User, team: Team) -> None:
    """
    End a team, every share with it, and what its people gave on because of those.

    :raises NotAllowedError: the actor may not say who is in it.
    """
    _require(actor, team)
    dissolve_team(actor=actor, team=team)


def dissolve_team(*, actor: User, team: Team) -> None:
    """Do what `delete_team` does, for Django admin, where Django's permissions count."""
    shares = team.shares.select_related("instance", "team")
    with transaction.atomic(), resting(actor, [share.instance_id for share in shares]):
        for share in shares:
            facts: dict[str, Any] = {"recipient": team.name, "level": share.level}
            audit.record(actor, "share.removed", share.instance, **facts)
        audit.record(actor, "team.deleted", team)
        team.delete()


def _require(actor: User, team: Team) -> None:
    """Refuse a team that is of no organization: only Django admin changes it."""
    if team.organization is None:
        raise access.NotAllowedError("change a team of the installation")
    access.require(actor, Action.ADMINISTER, team.organization)

"""Every filter and search of the list of instances, and which rows it must show, in plain Python."""

from collections.abc import Callable

from django.contrib.auth.models import User

from instances.models import Instance
from tests.worlds import World


def shown(row: Instance) -> str:
    """Say in which status an instance is shown."""
    return "disabled" if row.status == "active" and row.is_disabled else str(row.status)


QUERIES: dict[str, Callable[[World, User, Instance], bool]] = {
    "": lambda world, user, row: True,
    "status=active": lambda world, user, row: shown(row) == "active",
    "environment=sandbox&status=active": lambda world, user, row: (
        row.environment == "sandbox" and shown(row) == "active"
    ),
    "status=disabled": lambda world, user, row: shown(row) == "disabled",
    "health=healthy": lambda world, user, row: world.health(row) == "healthy",
    "health=action_needed": lambda world, user, row: world.health(row) == "action_needed",
    "health=retrying": lambda world, user, row: world.health(row) == "retrying",
    "health=disabled": lambda world, user, row: world.health(row) == "disabled",
    "health=unknown": lambda world, user, row: world.health(row) == "unknown",
    "health=action_needed&element=sfdc": lambda world, user, row: (
        world.health(row) == "action_needed" and row.element_key == "sfdc"
    ),
    "health=retrying&tag=red": lambda world, user, row: (
        world.health(row) == "retrying" and "red" in world.tags[row.pk]
    ),
    "health=action_needed&q=bill&access=shared": lambda world, user, row: (
        world.health(row) == "action_needed"
        and bool(world.levels(user, row))
        and "billing" in row.name.lower()
    ),
    "element=sfdc": lambda world, user, row: row.element_key == "sfdc",
    "owner=me": lambda world, user, row: row.owner_id == user.pk,
    "tag=red": lambda world, user, row: "red" in world.tags[row.pk],
    "tag=red&status=queued": lambda world, user, row: (
        "red" in world.tags[row.pk] and row.status == "queued"
    ),
    "q=BILL": lambda world, user, row: "billing" in row.name.lower(),
    "q=österr": lambda world, user, row: "ÖSTERR" in row.name,
    "q=eu": lambda world, user, row: "eu" in world.tags[row.pk],
    "q=sfd&environment=production": lambda world, user, row: (
        row.element_key == "sfdc" and row.environment == "production"
    ),
    "q=nothing": lambda world, user, row: False,
    "access=shared": lambda world, user, row: bool(world.levels(user, row)),
    "access=shared&q=invoi": lambda world, user, row: (
        bool(world.levels(user, row)) and "Invoi" in row.name
    ),
}

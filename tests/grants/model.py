"""Who may what, by a model so small that it can be read whole."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

FOREVER = datetime.max.replace(tzinfo=UTC)
LEVELS = {"view": {"view"}, "use": {"view", "use"}, "manage": {"view", "use", "manage"}}
ROLES = {
    "viewer": {"view"},
    "operator": {"view", "use"},
    "admin": {"view", "use", "manage"},
}


@dataclass
class Given:
    """A share as the model knows it."""

    level: str
    until: datetime
    giver: int


@dataclass
class Model:
    """Who may what, in plain Python: rights grow from roles and owners along shares, nowhere else."""

    roles: dict[tuple[int, UUID], str] = field(default_factory=dict)
    owners: dict[UUID, int] = field(default_factory=dict)
    homes: dict[UUID, UUID] = field(default_factory=dict)
    teams: dict[int, set[int]] = field(default_factory=dict)
    # By instance and recipient, a person's id or a team's.
    shares: dict[tuple[UUID, str, int], Given] = field(default_factory=dict)
    off: set[int] = field(default_factory=set)

    def is_root(self, user: int, instance: UUID) -> bool:
        role = self.roles.get((user, self.homes[instance]), "")
        return role == "admin" or (role == "operator" and self.owners[instance] == user)

    def reached(self, kind: str, pk: int) -> set[int]:
        return {pk} if kind == "person" else self.teams.get(pk, set())

    def managing(self, instance: UUID) -> dict[int, datetime]:
        """Until when each manages; each round goes one share further from the roots."""
        users = {user for user, _ in self.roles} | {self.owners[instance]}
        until = {user: FOREVER for user in users if self.is_root(user, instance)}
        for _ in range(len(self.shares) + 1):
            for (about, kind, pk), share in self.shares.items():
                if about == instance and share.level == "manage" and share.giver in until:
                    end = min(share.until, until[share.giver])
                    for user in self.reached(kind, pk):
                        until[user] = max(until.get(user, end), end)
        return until

    def settle(self) -> None:
        """Drop what rests on nothing, and shorten what outlasts it, until all stands."""
        for instance in self.homes:
            until = self.managing(instance)
            for key in [key for key in self.shares if key[0] == instance]:
                share = self.shares[key]
                if share.giver not in until:
                    del self.shares[key]
                else:
                    share.until = min(share.until, until[share.giver])

    def allowed(self, user: int, instance: UUID) -> set[str]:
        if user in self.off:
            return set()
        actions = set(ROLES.get(self.roles.get((user, self.homes[instance]), ""), set()))
        if self.is_root(user, instance):
            actions |= ROLES["admin"]
        for (about, kind, pk), share in self.shares.items():
            if about == instance and user in self.reached(kind, pk):
                actions |= LEVELS[share.level]
        return actions

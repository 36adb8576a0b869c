"""
A company's rows, planted in bulk: many organizations, people, teams and shares.

The same for each number of instances, but for that number: whatever a page shows of a small crowd
it shows of a large one, so that only the number of rows tells them apart.
"""

import random
import time
from collections.abc import Iterator
from itertools import accumulate

from django.contrib.auth.models import User
from django.db import connection, transaction

from bench import bulk
from bench.names import (
    ELEMENT_WEIGHTS,
    ELEMENTS,
    PURPOSES,
    REGIONS,
    SHARES_OF_STATE,
    SHARES_OF_STATUS,
    TAGS,
)
from instances.models import (
    Attempt,
    Finding,
    Health,
    Instance,
    InstanceTag,
    Membership,
    Operation,
    Organization,
    Role,
    Share,
    Team,
)

PEOPLE, ORGANIZATIONS, TEAMS = 2_000, 40, 60
SPAN = 2 * 365 * 24 * 3600  # seconds: the oldest instance is two years old
# Seen by the viewer with few rows: so many by shares with the person, and with a team of one.
FEW_ALONE, FEW_BY_TEAM, FEW_WAITING = 12, 8, 4
UNUSUAL, UNIQUE = "Quarantine", "Zyzzyva"


class Crowd:
    """Who and what there is, by numbers from zero up; nothing is kept for each row."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.random = random.Random(number)
        self.began = time.time() - SPAN
        self.statuses = self._statuses()
        self.unusual = self._spread(max(160, number // 1000))
        weights = [1 / (place + 2) for place in range(ORGANIZATIONS)]
        self.cumulated = list(accumulate(weights))

    def plant(self) -> None:
        """Write every row."""
        self._people()
        self._organizations()
        with transaction.atomic():
            bulk.write(Instance, self._instances())
            bulk.write(InstanceTag, self._tags())
            bulk.write(Health, self._healths())
            bulk.write(Operation, self._operations())
            bulk.write(Attempt, self._attempts())
            bulk.write(Finding, self._findings())
            bulk.write(Share, self._shares())
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")

    def id_of(self, place: int, kind: int = 0) -> str:
        """Return the id of the instance at a place, or of its operation, tags: version 7, in order."""
        moment = int((self.began + SPAN * place / self.number) * 1000)
        rest = (place * 8 + kind) & 0xFFFFFFFFFFFF
        return f"{moment:012x}7{place & 0xFFF:03x}8000{rest:012x}"

    def _statuses(self) -> dict[int, str]:
        chosen: dict[int, str] = {}
        for shift, (status, (share, least)) in enumerate(SHARES_OF_STATUS.items()):
            for place in self._spread(max(least, int(share * self.number)), shift):
                chosen.setdefault(place, status)
        return chosen

    def _spread(self, many: int, shift: int = 0) -> list[int]:
        return sorted({(at * self.number // many + shift) % self.number for at in range(many)})

    def _people(self) -> None:
        names = [f"person-{at}" for at in range(PEOPLE - 3)] + ["few", "many", "admin"]
        User.objects.bulk_create(User(username=name, password="!") for name in names)
        self.people = list(User.objects.order_by("pk").values_list("pk", flat=True))
        self.few, self.many, self.admin = self.people[-3:]
        Team.objects.bulk_create(Team(name=f"Team {at}") for at in range(TEAMS))
        self.teams = list(Team.objects.order_by("pk").values_list("pk", flat=True))
        belong = [(team, person) for team in self.teams[:-1] for person in self._some(40)]
        belong += [(team, self.many) for team in self.teams[:10]]
        belong += [(self.teams[-1], self.few)]
        through = Team.members.through
        through.objects.bulk_create(through(team_id=one, user_id=who) for one, who in belong)

    def _some(self, many: int) -> list[int]:
        return self.random.sample(self.people[:-3], many)

    def _organizations(self) -> None:
        rows = [
            Organization(
                name=f"Organization {at:02}",
                base_url="https://api.cloud-elements.com/elements/api-v2",
                environment_label="Production" if at % 2 else "Staging",
                user_secret="ce1.bench",
                organization_secret="ce1.bench",
                secrets_set_at="2026-01-01T00:00Z",
            )
            for at in range(ORGANIZATIONS)
        ]
        Organization.objects.bulk_create(rows)
        self.organizations = [row.pk.hex for row in rows]
        people = self.people[:-3]
        self.members = [people[at::ORGANIZATIONS] for at in range(ORGANIZATIONS)]
        belong = [
            (one, row, Role.OPERATOR)
            for row, many in zip(rows, self.members, strict=True)
            for one in many
        ]
        belong += [(self.many, rows[at], Role.OPERATOR) for at in (0, 2, 11)]
        belong += [(self.admin, row, Role.ADMIN) for row in rows]
        Membership.objects.bulk_create(
            Membership(user_id=who, organization=row, role=role) for who, row, role in belong
        )

    def _organization_of(self, place: int) -> int:
        # Twice the same answer for one place: operations ask after their instances.
        draw = random.Random(place).random() * self.cumulated[-1]
        return next(at for at, top in enumerate(self.cumulated) if draw <= top)

    def _owner_of(self, place: int, organization: int) -> int:
        if organization == 0 and place % 5 == 0:
            return self.many
        return self.members[organization][place % len(self.members[organization])]

    def _instances(self) -> Iterator[bulk.Row]:
        unusual, elements = set(self.unusual), random.Random(1)
        for place in range(self.number):
            organization = self._organization_of(place)
            status = self.statuses.get(place, "active")
            has_been = status in ("active", "deleted")
            at = bulk.moment(self.began + SPAN * place / self.number)
            element = elements.choices(ELEMENTS, ELEMENT_WEIGHTS)[0]
            yield {
                "id": self.id_of(place),
                "organization_id": self.organizations[organization],
                "owner_id": self._owner_of(place, organization),
                "name": self._name(place, place in unusual),
                "element_key": element,
                "environment": ("sandbox", "production")[place % 3 > 0]
                if element == "zuorav2"
                else "",
                "status": status,
                "account": f"https://api.cloud-elements.com|{organization}" if has_been else "",
                "remote_id": place + 1 if has_been else None,
                "token": "ce1." + "x" * 90 if has_been else "",
                "element": '{"id": 9380, "name": "An element", "hub": "payment"}',
                "configuration": '{"username": "somebody@example.com", "password": "********"}',
                "is_valid": True if has_been else None,
                "is_disabled": place % 97 == 5 if has_been else None,
                "created_at": at,
                "settled_at": at,
            }

    def _name(self, place: int, is_unusual: bool) -> str:
        words = [
            f"Customer {place * 7919 % 50021}",
            PURPOSES[place % len(PURPOSES)],
            REGIONS[place // 7 % len(REGIONS)],
        ]
        if is_unusual:
            words.append(UNUSUAL)
        if place == self.number // 2:
            words.append(UNIQUE)
        return " ".join(words)

    def _healths(self) -> Iterator[bulk.Row]:
        at, states = bulk.moment(time.time()), self._states()
        for place in range(self.number):
            if self.statuses.get(place, "active") == "active":
                state = states.get(place, "healthy")
                yield {
                    "instance_id": self.id_of(place),
                    "organization_id": self.organizations[self._organization_of(place)],
                    "state": state,
                    "problem": "invalid" if state == "action_needed" else "",
                    "since": bulk.moment(self.began + SPAN * place / self.number),
                    "checked_at": at,
                    "changes_since": at,
                    "due_at": bulk.moment(time.time() + 24 * 3600),
                }

    def _states(self) -> dict[int, str]:
        chosen: dict[int, str] = {}
        for shift, (state, share) in enumerate(SHARES_OF_STATE.items(), start=7):
            for place in self._spread(max(120, int(share * self.number)), shift):
                chosen.setdefault(place, state)
        return chosen

    def _tags(self) -> Iterator[bulk.Row]:
        for place in range(self.number):
            yield {"instance_id": self.id_of(place), "name": TAGS[place % len(TAGS)]}
            if place % 2 == 0:
                yield {"instance_id": self.id_of(place), "name": f"customer-{place % 20_011}"}

    def _operations(self) -> Iterator[bulk.Row]:
        for place in range(self.number):
            organization = self._organization_of(place)
            state = {"needs_person": "needs_person", "rejected": "rejected"}.get(
                self.statuses.get(place, ""), "succeeded"
            )
            at = bulk.moment(self.began + SPAN * place / self.number)
            identity = self.id_of(place, 1)
            yield {
                "id": identity,
                "kind": "create",
                "instance_id": self.id_of(place),
                "organization_id": self.organizations[organization],
                "requester_id": self._owner_of(place, organization),
                "client_request_id": identity,
                "tag": f"ced-bench-{place}",
                "state": state,
                "problem": "absent" if state == "needs_person" else "",
                "message": "Two requests were lost." if state == "needs_person" else "",
                "next_run_at": at,
                "created_at": at,
                "finished_at": None if state == "needs_person" else at,
            }

    def _attempts(self) -> Iterator[bulk.Row]:
        for place in range(self.number):
            status = self.statuses.get(place, "active")
            outcome = {"needs_person": "unknown", "rejected": "rejected"}.get(status, "succeeded")
            at = bulk.moment(self.began + SPAN * place / self.number)
            yield {
                "operation_id": self.id_of(place, 1),
                "number": 1,
                "epoch": 1,
                "origin": "https://api.cloud-elements.com",
                "secrets_version": 1,
                "started_at": at,
                "deadline_at": at,
                "ended_at": at,
                "outcome": outcome,
                "http_status": {"succeeded": 200, "rejected": 400}.get(outcome),
                "request_id": f"5f3c9a1e-{place}",
            }

    def _findings(self) -> Iterator[bulk.Row]:
        many = max(200, self.number // 1000)
        for at, place in enumerate(self._spread(many, 3)):
            moment = bulk.moment(self.began + SPAN * place / self.number)
            yield {
                "id": self.id_of(place, 2),
                "organization_id": self.organizations[self._organization_of(place)],
                "operation_id": self.id_of(place, 1) if at % 2 else None,
                "kind": "late" if at % 2 else "orphan",
                "account": "https://api.cloud-elements.com|found",
                "remote_id": at + 1,
                "name": f"Found {at}",
                "first_seen_at": moment,
                "last_seen_at": moment,
            }

    def _shares(self) -> Iterator[bulk.Row]:
        waiting = [place for place, status in self.statuses.items() if status == "needs_person"]
        seen = [waiting[at * len(waiting) // FEW_WAITING] for at in range(FEW_WAITING)]
        seen += self._spread(FEW_ALONE + FEW_BY_TEAM - FEW_WAITING, 9)
        for at, place in enumerate(seen):
            by_team = at % 5 < 2
            yield self._share(
                place, 3, None if by_team else self.few, self.teams[-1] if by_team else None
            )
        for place in range(0, self.number, 10):
            if place % 50 < 30:
                yield self._share(place, 4, self.random.choice(self.people[:-3]), None)
            else:
                yield self._share(place, 4, None, self.random.choice(self.teams[:-1]))

    def _share(self, place: int, kind: int, user: int | None, team: int | None) -> bulk.Row:
        return {
            "id": self.id_of(place, kind),
            "instance_id": self.id_of(place),
            "user_id": user,
            "team_id": team,
            "level": ("view", "use", "manage")[place % 3],
            "granted_by_id": self.admin,
            "expires_at": "2020-01-01 00:00:00" if place % 97 == 1 else None,
            "created_at": bulk.moment(self.began),
        }

"""Fill an empty installation with people and an organization to try things with."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from instances import hosts, operations
from instances.models import Membership, Organization, Role, Team
from instances.operations import SecretPair
from instances.secret import Secret

ORGANIZATION = "Demo (sandbox)"
TEAM = "Billing"


@dataclass(frozen=True)
class Person:
    """Somebody to sign in as, and what for."""

    username: str
    purpose: str
    role: Role | None = None
    is_superuser: bool = False
    is_in_team: bool = False


PEOPLE = (
    Person("admin", "everything, Django admin too", Role.ADMIN, is_superuser=True),
    Person("olivia", "operator: creates and uses instances", Role.OPERATOR),
    Person("adam", "admin of the organization", Role.ADMIN),
    Person("victor", "viewer: sees, uses nothing", Role.VIEWER),
    Person("tara", f"no member, but in the team {TEAM}: sees what is shared", is_in_team=True),
)


class Command(BaseCommand):
    """Demo people and the demo organization; what is there already is kept."""

    help = (
        "Make demo people, with passwords of their own, and an organization at the sandbox. Takes "
        "the sandbox's two secrets from USER_SECRET and ORGANIZATION_SECRET in the environment."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--base-url", required=True, help="the sandbox's")
        parser.add_argument("--people-file", required=True, type=Path, help="keeps the passwords")

    def handle(self, **options: Any) -> None:
        pair = SecretPair(_taken("USER_SECRET"), _taken("ORGANIZATION_SECRET"))
        with transaction.atomic():
            organization = _organization(options["base_url"], pair)
            passwords = _people(organization, options["people_file"])
            _write(options["people_file"], passwords)
        for person in PEOPLE:
            self.stdout.write(_line(person, passwords))


def _taken(name: str) -> Secret:
    value = os.environ.pop(name, "")
    if not value:
        raise CommandError(f"Set {name} to the sandbox's own.", returncode=2)
    return Secret(value)


def _organization(base_url: str, pair: SecretPair) -> Organization:
    found = Organization.objects.filter(name=ORGANIZATION).first()
    if found is None:
        return operations.create_organization(
            actor=None,
            name=ORGANIZATION,
            base_url=base_url,
            secrets=pair,
            environment_label="Sandbox",
        )
    if found.base_url != hosts.normalize(base_url):
        # The sandbox got another port; its secrets are bound to the origin.
        return _move(found, base_url, pair)
    return found


def _move(organization: Organization, base_url: str, pair: SecretPair) -> Organization:
    return operations.apply_organization_change(
        actor=User.objects.get(username=PEOPLE[0].username),
        organization=organization,
        name=organization.name,
        base_url=base_url,
        environment_label=organization.environment_label,
        is_active=organization.is_active,
        secrets=pair,
    )


def _people(organization: Organization, file: Path) -> dict[str, str]:
    """Make who is missing; return the passwords that are known, by user name."""
    passwords = _read(file)
    team, _ = Team.objects.get_or_create(name=TEAM)
    for person in PEOPLE:
        if not User.objects.filter(username=person.username).exists():
            passwords[person.username] = _make(person, organization, team)
    return passwords


def _make(person: Person, organization: Organization, team: Team) -> str:
    password = secrets.token_urlsafe(15)
    make = User.objects.create_superuser if person.is_superuser else User.objects.create_user
    user = make(person.username, f"{person.username}@elementdesk.example", password)
    if person.role is not None:
        Membership.objects.create(user=user, organization=organization, role=person.role)
    if person.is_in_team:
        team.members.add(user)
    return password


def _read(file: Path) -> dict[str, str]:
    """Read the passwords of an earlier start, as far as the file is still there."""
    lines = file.read_text().splitlines() if file.exists() else []
    pairs = [line.split(maxsplit=2) for line in lines if not line.startswith("#")]
    return {pair[0]: pair[1] for pair in pairs if len(pair) >= 2}


def _write(file: Path, passwords: dict[str, str]) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as people:
        people.write("# Who can sign in to this demo; made at its first start.\n")
        people.writelines(f"{name} {password}\n" for name, password in passwords.items())


def _line(person: Person, passwords: dict[str, str]) -> str:
    password = passwords.get(person.username, "(password not kept)")
    return f"  {person.username:<8} {password:<22} {person.purpose}"

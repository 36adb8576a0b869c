"""Add an organization with its two secrets, from the server's command line."""

import os
import sys
from getpass import getpass
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from instances import audit, operations
from instances.hosts import HostRefusedError
from instances.models import Membership, Organization, Role
from instances.operations import SecretPair
from instances.secret import Secret

USAGE, REFUSED, UNKNOWN_USER = 2, 3, 4
EPILOG = (
    "The secrets come from USER_SECRET and ORGANIZATION_SECRET in the environment, or are asked "
    "for. Exit codes: 0 added, 2 wrong usage or a secret is missing, 3 refused (name taken, host "
    "not allowed), 4 no such user."
)


class Command(BaseCommand):
    """The same wish as the page's, through the third door."""

    help = "Add an organization. Secrets are never taken from the command line."

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        return super().create_parser(*args, epilog=EPILOG, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--base-url", required=True, help="such as api.cloud-elements.com")
        parser.add_argument("--environment-label", default="", metavar="LABEL")
        parser.add_argument("--admin", metavar="USERNAME", help="who becomes its admin")

    def handle(self, **options: Any) -> None:
        admin = _user(options["admin"]) if options["admin"] else None
        _check_texts(name=options["name"], environment_label=options["environment_label"])
        secrets = SecretPair(
            _secret("USER_SECRET", "User secret"),
            _secret("ORGANIZATION_SECRET", "Organization secret"),
        )
        organization = _create(options, secrets, admin)
        self.stdout.write(f"Added {organization.name} at {organization.base_url}.")


def _user(username: str) -> User:
    user = User.objects.filter(username=username).first()
    if user is None:
        raise CommandError(f"There is no user {username!r}.", returncode=UNKNOWN_USER)
    return user


def _check_texts(**texts: str) -> None:
    others = {field.name for field in Organization._meta.fields} - texts.keys()
    try:
        Organization(**texts).clean_fields(exclude=others)
    except ValidationError as error:
        wrong = [f"{name}: {' '.join(said)}" for name, said in error.message_dict.items()]
        raise CommandError(" ".join(wrong), returncode=USAGE) from error


def _secret(name: str, label: str) -> Secret:
    # Removed at once, so that no child process and no report carries it.
    value = os.environ.pop(name, "")
    if not value and sys.stdin.isatty():
        value = getpass(f"{label}: ")
    if not value.strip():
        raise CommandError(f"The {label.lower()} is missing: set {name}.", returncode=USAGE)
    return Secret(value)


def _create(options: dict[str, Any], secrets: SecretPair, admin: User | None) -> Organization:
    try:
        with transaction.atomic():
            organization = operations.create_organization(
                actor=None,
                name=options["name"],
                base_url=options["base_url"],
                secrets=secrets,
                environment_label=options["environment_label"],
            )
            if admin is not None:
                make_admin(organization, admin)
    except HostRefusedError as error:
        raise CommandError(str(error), returncode=REFUSED) from error
    except operations.NameTakenError as error:
        taken = f"There is an organization {options['name']!r} already."
        raise CommandError(taken, returncode=REFUSED) from error
    return organization


def make_admin(organization: Organization, user: User) -> None:
    """Make `user` the organization's admin, and record it."""
    Membership.objects.create(user=user, organization=organization, role=Role.ADMIN)
    audit.record(
        None,
        "membership.added",
        organization,
        by=audit.COMMAND_LINE,
        user=user.username,
        role=Role.ADMIN,
    )

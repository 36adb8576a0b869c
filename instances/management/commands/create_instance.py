"""Ask for an instance from a file, as the form does, and wait for it if told to."""

import json
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from instances import operations, pasted, zuora
from instances.access import NotAllowedError
from instances.management.commands.list_instances import facts
from instances.models import (
    Environment,
    Instance,
    InstanceStatus,
    Operation,
    Organization,
    Role,
)
from instances.operations import MissingEntriesError
from instances.pasted import InstanceFileError, InstanceRequest

USAGE, REFUSED, NOT_ALLOWED, REJECTED, UNSETTLED, IN_PROGRESS = 2, 3, 4, 5, 6, 7
EPILOG = (
    "Exit codes: 0 active (without --wait: accepted), 2 wrong usage, 3 the file cannot be used or "
    "entries are missing, 4 not allowed or no such organization or user, 5 rejected by the "
    "platform, canceled or deleted, 6 outcome unknown or waiting for a person, 7 still in progress when "
    "the waiting ended."
)
SECONDS, PAUSE = 120.0, 0.5
LARGEST = 256 * 1024
# What ends the waiting at once, and what it means if nothing did.
SETTLED = {
    InstanceStatus.ACTIVE: 0,
    InstanceStatus.CHANGING: 0,
    InstanceStatus.REJECTED: REJECTED,
    InstanceStatus.CANCELED: REJECTED,
    InstanceStatus.DELETING: REJECTED,
    InstanceStatus.DELETED: REJECTED,
    InstanceStatus.BLOCKED: UNSETTLED,
    InstanceStatus.NEEDS_PERSON: UNSETTLED,
}
UNSETTLED_AT_THE_END = {InstanceStatus.UNKNOWN: UNSETTLED}


class Command(BaseCommand):
    """The same wish as the form's, through the third door."""

    help = "Ask for an element instance from a file such as the guide's instance.json."

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        return super().create_parser(*args, epilog=EPILOG, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", required=True, metavar="NAME")
        parser.add_argument("--file", required=True, help="instance.json, or - for standard input")
        parser.add_argument("--user", metavar="USERNAME", help="in whose name; default: its admin")
        parser.add_argument("--wait", nargs="?", type=float, const=SECONDS, metavar="SECONDS")
        parser.add_argument(
            "--confirm-environment",
            action="store_true",
            help="send credentials that are in use in Zuora's other environment, too",
        )
        parser.add_argument("--request-id", type=uuid.UUID, metavar="UUID", help="asks only once")

    def handle(self, **options: Any) -> None:
        organization = _organization(options["organization"])
        requester = _requester(organization, options["user"])
        request, repairs = _read(options["file"])
        for repair in repairs:
            self.stderr.write(repair)
        asked = _ask(
            requester=requester,
            organization=organization,
            client_request_id=options["request_id"] or uuid.uuid4(),
            heeds_environment=not options["confirm_environment"],
            **_wish(request),
        )
        instance = _wait(asked, options["wait"] or 0.0)
        self.stdout.write(json.dumps(facts(instance), indent=2, ensure_ascii=False))
        if options["wait"] is not None:
            self._report(instance)

    def _report(self, instance: Instance) -> None:
        status = InstanceStatus(instance.status)
        code = SETTLED.get(status, UNSETTLED_AT_THE_END.get(status, IN_PROGRESS))
        if code:
            operation = Operation.objects.filter(instance=instance).latest("pk")
            self.stderr.write(f"{status.label}. {operation.message}".strip())
            sys.exit(code)


def _organization(name: str) -> Organization:
    organization = Organization.objects.filter(name=name).first()
    if organization is None:
        raise CommandError(f"There is no organization {name!r}.", returncode=NOT_ALLOWED)
    return organization


def _requester(organization: Organization, username: str | None) -> User:
    if username:
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"There is no user {username!r}.", returncode=NOT_ALLOWED)
        return user
    admins = User.objects.filter(
        is_active=True, memberships__organization=organization, memberships__role=Role.ADMIN
    )
    if len(found := list(admins[:2])) == 1:
        return found[0]
    count = "several admins" if found else "no admin"
    raise CommandError(f"{organization} has {count}: say who asks with --user.", returncode=USAGE)


def _read(name: str) -> tuple[InstanceRequest, list[str]]:
    try:
        content = sys.stdin.buffer.read(LARGEST + 1) if name == "-" else _content(Path(name))
        return pasted.read_instance_file(_decoded(content))
    except OSError as error:
        raise CommandError(
            f"{name} cannot be read: {error.strerror}.", returncode=REFUSED
        ) from error
    except InstanceFileError as error:
        raise CommandError(str(error), returncode=REFUSED) from error


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LARGEST + 1)


def _decoded(content: bytes) -> str:
    if len(content) > LARGEST:
        raise InstanceFileError("The file is larger than 256 KiB.")
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise InstanceFileError("The file is not text in UTF-8.") from None


def _wish(request: InstanceRequest) -> dict[str, Any]:
    return {
        "element_key": request.element_key,
        "name": request.name,
        "configuration": request.configuration,
        "tag_names": request.tags,
    }


def _ask(**wish: Any) -> Instance:
    try:
        return operations.request_instance(**wish)
    except operations.NoAddressError as error:
        raise CommandError(str(error), returncode=REFUSED) from None
    except MissingEntriesError as error:
        raise CommandError(f"{error}.", returncode=REFUSED) from error
    except operations.RequestReusedError as error:
        used = f"{error} It led to {error.instance.name!r} ({error.instance.pk})."
        raise CommandError(used, returncode=REFUSED) from None
    except operations.OtherEnvironmentError as error:
        raise CommandError(_other_environment(error), returncode=REFUSED) from None
    except NotAllowedError as error:
        refused = f"{wish['requester']} may not create instances in {wish['organization']}."
        raise CommandError(refused, returncode=NOT_ALLOWED) from error


def _other_environment(error: operations.OtherEnvironmentError) -> str:
    known = error.environment.label.lower()
    asked = next(one.label.lower() for one in Environment if one != error.environment)
    return (
        f"{error.instance.name!r} signs in to Zuora's {known} with exactly these credentials, but the file "
        f"says {asked} ({zuora.SANDBOX_ENTRY}). Nothing was sent. Correct the file, or say "
        "--confirm-environment if they are right there, too."
    )


def _wait(instance: Instance, seconds: float) -> Instance:
    deadline = time.monotonic() + seconds
    while instance.status not in SETTLED and time.monotonic() < deadline:
        time.sleep(PAUSE)
        instance.refresh_from_db()
    return instance

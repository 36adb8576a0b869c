"""The command line: exit codes, sentences instead of tracebacks, and never a secret printed: what its tests share."""

import io
import json
from pathlib import Path
from typing import NamedTuple

from django.core.management import call_command
from django.core.management.base import CommandError

from instances.models import (
    Organization,
)
from instances.vault import keyring


class Ran(NamedTuple):
    code: int
    out: str
    err: str


def run(*arguments: object) -> Ran:
    """Run a command as the shell would; a CommandError becomes its exit code and sentence."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(*(str(part) for part in arguments), stdout=out, stderr=err)
    except CommandError as error:
        return Ran(error.returncode, out.getvalue(), err.getvalue() + str(error))
    except SystemExit as ended:
        return Ran(int(ended.code or 0), out.getvalue(), err.getvalue())
    return Ran(0, out.getvalue(), err.getvalue())


def keys_in(file: Path) -> dict[str, str]:
    return dict(json.loads(file.read_text())["keys"])


def restart() -> None:
    """As a new process would: read the ring again."""
    keyring.ring.cache_clear()


GUIDE = """{
  "element": {"key": "zuorav2"},
  "configuration": {
    "zuorav2.sandbox": true, // To instantiate your production account, set this to false
    “username”: “ops@example.com”,
    "password": "pl4nted-secret"
  },
  "tags": ["billing"],
  "name": "Test"
}"""


def ask_for(organization: Organization, file: Path, *more: object) -> Ran:
    return run("create_instance", "--organization", organization.name, "--file", file, *more)

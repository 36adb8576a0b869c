"""The whole document, asked everything that it allows and what it does not."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from instances.models import Instance, OperationState, Role
from tests.programs.conftest import MakeKey
from tests.states import put_in_state

# No database is asked differently: once is enough, and the server's threads have it to themselves.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes, pytest.mark.once]
ASKED = Path(__file__).with_name("schemathesis.toml")
MOST_SECONDS = 900


def test_every_answer_is_one_that_the_document_promises(
    live_server: LiveServer,
    make_key: MakeKey,
    member: Callable[..., User],
    active: Instance,
    ask: Callable[..., Instance],
    settings: Settings,
    tmp_path: Path,
) -> None:
    settings.API = {**settings.API, "PER_MINUTE": 1_000_000}
    waiting = ask(name="Waits for a person")
    put_in_state(waiting, OperationState.NEEDS_PERSON)
    _, text = make_key(member(Role.ADMIN))
    document = tmp_path / "openapi.json"
    document.write_bytes(Client().get("/api/v1/openapi.json").content)
    rows = {"INSTANCE": str(active.pk), "OPERATION": str(waiting.operations.get().pk)}
    command = [
        *(str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(ASKED)),
        *("run", str(document), "--url", live_server.url, "--checks", "all", "--no-color"),
        *("--header", f"Authorization: Bearer {text}", "--request-timeout", "60"),
    ]
    ran = subprocess.run(
        command,
        cwd=tmp_path,
        env=os.environ | rows,
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-20_000:] + ran.stderr
    assert "Stateful" in ran.stdout

"""Crash points do nothing in production, and exactly what their ticket says in a test."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from instances import crash_points
from instances.checks import nothing_asks_for_crashes
from tests.servers import ROOT, example_environment

REACH = """
import django
django.setup()
from instances import crash_points
from instances.checks import nothing_asks_for_crashes
crash_points.reach("sent")
crash_points.reach("answered")
"""
STARTS = [
    ["-m", "gunicorn", "--check-config", "config.wsgi"],
    ["-c", "import config.asgi"],
    ["-m", "celery", "-A", "config", "worker", "-P", "solo"],
    ["manage.py", "check"],
]


def python(*command: str, folder: Path, debug: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | example_environment()
    environment |= {"DEBUG": debug, "ELEMENTDESK_CRASH_AT": str(folder)}
    environment |= {"DJANGO_SETTINGS_MODULE": "config.settings", "CELERY_BROKER_URL": "memory://"}
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_nothing_is_armed_here() -> None:
    assert crash_points.reach is crash_points.pass_by
    assert not nothing_asks_for_crashes(None)


def test_a_ticket_ends_the_process_at_its_step_once(tmp_path: Path) -> None:
    (tmp_path / "answered").write_text("SIGKILL")
    assert python("-c", REACH, folder=tmp_path, debug="true").returncode == -signal.SIGKILL
    assert python("-c", REACH, folder=tmp_path, debug="true").returncode == 0


def test_in_production_a_ticket_does_nothing(tmp_path: Path) -> None:
    (tmp_path / "answered").write_text("SIGKILL")
    assert python("-c", REACH, folder=tmp_path, debug="false").returncode == 0
    assert (tmp_path / "answered").exists()


@pytest.mark.processes
@pytest.mark.parametrize("command", STARTS, ids=lambda command: " ".join(command[:4]))
def test_no_process_of_production_starts_with_crash_points(
    command: list[str], tmp_path: Path
) -> None:
    ended = python(*command, folder=tmp_path, debug="false")
    assert ended.returncode != 0
    assert "ELEMENTDESK_CRASH_AT is for tests, and needs DEBUG" in ended.stdout + ended.stderr

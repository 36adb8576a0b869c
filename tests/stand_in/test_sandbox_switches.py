"""docs/platform-assumptions.md and the sandbox's README name exactly what there is."""

import re
from pathlib import Path

from sandbox import certificates, control, corpus, deliveries, faults, hostile, server, switches

ROOT = Path(__file__).parents[2]
ASSUMPTIONS = (ROOT / "docs" / "platform-assumptions.md").read_text()
README = (ROOT / "sandbox" / "README.md").read_text()


def test_every_switch_is_an_assumption_and_every_assumption_names_a_real_switch() -> None:
    rows = [line for line in ASSUMPTIONS.splitlines() if line.startswith("|")]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[-2])}
    assert named == switches.names()


def test_readme_names_every_fault() -> None:
    for name in (*faults.BENDS, *deliveries.DELIVERIES, *server.CONNECTION_FAULTS):
        assert f"`{name}`" in README


def test_readme_names_every_control_call() -> None:
    for method, path in control.calls():
        assert f"`{method} {control.PREFIX}/{path}`" in README


def test_readme_names_every_kind() -> None:
    for kind in (*certificates.KINDS, *hostile.KINDS, *corpus.KINDS):
        assert f"`{kind}`" in README

"""A sandbox for each module of its tests, and an account of its own for each test."""

from collections.abc import Iterator

import pytest

from sandbox.running import Account, Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def account(sandbox: Sandbox) -> Account:
    return sandbox.new_account()

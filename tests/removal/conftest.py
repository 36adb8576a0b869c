"""An instance is disabled, counted down, deleted with proof, and leaves no secret behind: where its tests begin."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from instances.models import (
    Instance,
    Operation,
)
from instances.operations import (
    request_instance_deletion,
)
from tests.cases import read, work
from tests.removal.steps import Delete


@pytest.fixture
def delete(made: Instance, operator: User) -> Delete:
    """Ask that `made` is deleted."""

    def delete(**changes: object) -> Operation:
        asked: dict[str, Any] = {
            "requester": operator,
            "instance": made,
            "reason": "The contract has ended.",
        }
        return request_instance_deletion(**{"typed_name": made.name, **asked, **changes})

    return delete


@pytest.fixture
def counted(delete: Delete, made: Instance) -> Instance:
    """An instance that is disabled, and is deleted in a week."""
    delete()
    work()
    return read(made)


@pytest.fixture
def at_once(settings: Any) -> None:
    settings.ENGINE = {**settings.ENGINE, "DELETION_DAYS": 0.0}

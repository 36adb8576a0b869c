"""An instance that exists is disabled and enabled: once asked, made so, and told as it is: where its tests begin."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from instances.models import (
    Instance,
    Operation,
)
from instances.operations import (
    request_instance_switch,
)
from tests.switching.steps import Switch


@pytest.fixture
def switch(made: Instance, operator: User) -> Switch:
    """Ask to disable `made`, or to enable it."""

    def switch(to_disabled: bool = True, **changes: object) -> Operation:
        asked: dict[str, Any] = {
            "requester": operator,
            "instance": made,
            "reason": "Maintenance until Friday.",
        }
        return request_instance_switch(is_to_be_disabled=to_disabled, **{**asked, **changes})

    return switch

"""The pages of a rotation: what they say, whom they let decide, and that a secret is never in them: where its tests begin."""

import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from instances.models import (
    Instance,
    OperationState,
    Rotation,
    RotationState,
)
from instances.operations import request_instance_rotation
from tests.states import put_in_state


@pytest.fixture
def rotation(active: Instance, operator: User) -> Rotation:
    """A rotation whose two instances work, as the engine leaves it."""
    made = request_instance_rotation(
        requester=operator,
        old=active,
        name="The new one",
        configuration={"zuorav2.sandbox": True, "username": "u", "password": "p"},
        tag_names=[],
        client_request_id=uuid.uuid4(),
        days=7.0,
    )
    put_in_state(made.new, OperationState.SUCCEEDED)
    Rotation.objects.filter(pk=made.pk).update(
        state=RotationState.BOTH, both_until=timezone.now() + timedelta(days=7)
    )
    return Rotation.objects.select_related("old", "new").get(pk=made.pk)

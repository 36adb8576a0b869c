"""Keys of programs, as their owners made them."""

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from instances import operations
from instances.models import ApiKey, Organization, Scope

MakeKey = Callable[..., tuple[ApiKey, str]]


@pytest.fixture
def make_key(organization: Organization, operator: User) -> MakeKey:
    """Make a key as its page does; return it with its text."""

    def make(owner: User = operator, *scopes: Scope, **changes: object) -> tuple[ApiKey, str]:
        asked = {
            "actor": owner,
            "organization": organization,
            "name": "Nightly export",
            "scopes": scopes or list(Scope),
            "lifetime": timedelta(days=90),
            "networks": [],
            "client_request_id": uuid.uuid4(),
        }
        key, text = operations.make_api_key(**{**asked, **changes})  # type: ignore[arg-type]  # a mixture
        return key, text.reveal()

    return make

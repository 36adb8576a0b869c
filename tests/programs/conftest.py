"""Keys of programs, as their owners made them."""

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from instances import operations
from instances.models import ApiKey, Membership, Organization, Role, Scope

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


class Program:
    """A program with a key, which speaks JSON."""

    def __init__(self, text: str) -> None:
        self.client = Client(headers={"Authorization": f"Bearer {text}"} if text else {})

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """Ask `/api/v1/` plus `path`; `Idempotency_Key` in a header's name stands for a dash."""
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        sent: dict[str, Any] = (
            {"data": json.dumps(body), "content_type": "application/json"}
            if body is not None
            else {}
        )
        return self.client.generic(method, f"/api/v1/{path}", headers=said, **sent)

    def get(self, path: str, **headers: str) -> Any:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: object = None, **headers: str) -> Any:
        return self.ask("POST", path, body, **headers)


@pytest.fixture
def elsewhere(organization: Organization, operator: User, make_key: MakeKey) -> Program:
    """A program of the operator's for another organization, of which they are an admin."""
    other = Organization.objects.get(pk=organization.pk)
    other.pk, other.name = uuid.uuid4(), "Another one"
    other.save(force_insert=True)
    Membership.objects.create(user=operator, organization=other, role=Role.ADMIN)
    return Program(make_key(organization=other)[1])


@pytest.fixture
def program(make_key: MakeKey) -> Program:
    """A program of the operator's that may do whatever they may."""
    return Program(make_key()[1])

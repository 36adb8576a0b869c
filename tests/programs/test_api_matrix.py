"""Every address of the API, asked with every scope and by everybody."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from instances.api.urls import api
from instances.models import Element, Instance, Membership, Organization, Role, Scope, Share
from tests.programs.conftest import MakeKey, Program

pytestmark = pytest.mark.django_db
R, W, T, A = Scope.READ, Scope.WRITE, Scope.REVEAL, Scope.ADMIN
VIEWER = {"viewer", "operator", "owner", "admin"}
USES, MANAGES = {"operator", "owner", "admin"}, {"owner", "admin"}
GONE = 404
# Of each operation: the scope that it needs, what is sent, who may, and what they are answered.
TABLE: dict[str, tuple[Scope, Any, set[str], int]] = {
    "GET instances": (R, None, VIEWER, 200),
    "POST instances": (W, {}, VIEWER, 422),
    "GET instances/{pk}": (R, None, VIEWER, 200),
    "PATCH instances/{pk}": (W, {}, MANAGES, 428),
    "GET instances/{pk}/health": (R, None, VIEWER, 409),
    "POST instances/{pk}/token": (T, None, USES, 200),
    "POST instances/{pk}/re-authenticate": (W, {"configuration": {}}, MANAGES, 422),
    "POST instances/{pk}/disable": (W, {"reason": " "}, MANAGES, 422),
    "POST instances/{pk}/enable": (W, {"reason": " "}, MANAGES, 422),
    "POST instances/{pk}/delete": (W, {"reason": "x", "name": "x"}, MANAGES, 422),
    "POST instances/{pk}/delete/undo": (W, None, MANAGES, 409),
    "POST instances/{pk}/clone": (W, {"configuration": {}}, USES, 422),
    "POST instances/{pk}/rotate": (W, {"configuration": {}}, MANAGES, 422),
    "GET instances/{pk}/shares": (R, None, VIEWER, 200),
    "POST instances/{pk}/shares": (A, {"level": "view"}, MANAGES, 422),
    "DELETE shares/{share}": (A, None, MANAGES, 204),
    "GET operations/{operation}": (R, None, VIEWER, 200),
    "POST operations/{operation}/decide": (
        *(W, {"choice": "look", "reason": "x"}, MANAGES),
        409,
    ),
    "POST operations/{operation}/cancel": (W, {}, MANAGES, 409),
    "GET key": (R, None, VIEWER, 200),
    "GET organizations": (R, None, VIEWER, 200),
    "GET elements": (R, None, VIEWER, 200),
    "GET elements/{element}": (R, None, VIEWER, 200),
    "GET audit": (A, None, {"admin"}, 200),
}
ROLES = ("viewer", "operator", "owner", "admin")


@pytest.fixture
def names(active: Instance, operator: User, make_user: Callable[..., User]) -> dict[str, object]:
    """What stands in the addresses: an instance that is ready, and what belongs to it."""
    tara = make_user("tara")
    share = Share.objects.create(instance=active, user=tara, level="view", granted_by=operator)
    Element.objects.create(
        organization=active.organization,
        element_key="ledgers",
        name="Ledgers",
        settings=[],
        seen_at=timezone.now(),
    )
    operation = active.operations.get()
    return {"pk": active.pk, "share": share.pk, "operation": operation.pk, "element": "ledgers"}


def ask(program: Program, row: str, names: dict[str, object], body: Any) -> int:
    method, path = row.format(**names).split(" ")
    headers = {"Idempotency_Key": uuid.uuid4().hex} if method == "POST" else {}
    status: int = program.ask(method, path, body, **headers).status_code
    return status


def test_every_operation_has_a_row() -> None:
    document = api.get_openapi_schema(path_prefix="/api/v1/")
    told = {
        f"{method.upper()} {path.removeprefix('/api/v1/')}"
        for path, methods in document["paths"].items()
        for method in methods
    }
    places = {"operations/{pk}": "operations/{operation}", "shares/{pk}": "shares/{share}"}
    places |= {"elements/{key}": "elements/{element}"}
    for old, new in places.items():
        told = {one.replace(old, new) for one in told}
    assert told == set(TABLE)


@pytest.mark.parametrize("scope", Scope)
def test_a_scope_opens_what_it_names_and_nothing_else(
    scope: Scope, names: dict[str, object], make_key: MakeKey, member: Callable[..., User]
) -> None:
    program = Program(make_key(member(Role.ADMIN), scope)[1])
    refused = {
        row for row, (_, body, _, _) in TABLE.items() if ask(program, row, names, body) == 403
    }
    assert refused == {row for row, (needed, *_) in TABLE.items() if needed != scope}


@pytest.mark.parametrize("role", ROLES)
def test_a_key_does_what_its_owner_may_do(
    role: str,
    names: dict[str, object],
    make_key: MakeKey,
    operator: User,
    member: Callable[..., User],
) -> None:
    program = Program(make_key(operator if role == "owner" else member(Role(role)))[1])
    answers = {row: ask(program, row, names, body) for row, (_, body, _, _) in TABLE.items()}
    assert answers == {
        row: answer if role in may else GONE for row, (_, _, may, answer) in TABLE.items()
    }


@pytest.mark.parametrize("lost", ["membership", "account", "key"])
def test_it_ends_with_its_owners_place_in_the_organization(
    lost: str, names: dict[str, object], make_key: MakeKey, operator: User
) -> None:
    key, text = make_key()
    program = Program(text)
    if lost == "membership":
        Membership.objects.filter(user=operator).delete()
    elif lost == "account":
        User.objects.filter(pk=operator.pk).update(is_active=False)
    else:
        type(key).objects.filter(pk=key.pk).update(revoked_at=timezone.now())
    assert {ask(program, row, names, body) for row, (_, body, _, _) in TABLE.items()} == {401}


def test_a_key_reaches_nothing_of_another_organization_of_its_owner(
    names: dict[str, object], elsewhere: Program
) -> None:
    about = [row for row in TABLE if "{" in row]
    assert {ask(elsewhere, row, names, TABLE[row][1]) for row in about} == {GONE}
    assert elsewhere.get("instances").json()["items"] == []


def test_what_is_shared_from_elsewhere_does_not_come_along(
    names: dict[str, object],
    make_key: MakeKey,
    organization: Organization,
    make_user: Callable[..., User],
) -> None:
    tara = User.objects.get(username="tara")
    other = Organization.objects.get(pk=organization.pk)
    other.pk, other.name = uuid.uuid4(), "Another one"
    other.save(force_insert=True)
    Membership.objects.create(user=tara, organization=other, role=Role.OPERATOR)
    program = Program(make_key(tara, organization=other)[1])
    assert program.get("instances?access=shared").json()["items"] == []
    assert program.get(f"instances/{names['pk']}").status_code == GONE

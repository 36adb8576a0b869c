"""The API: the same wishes as on the pages, told apart by status and code."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from instances.api import waiting
from instances.models import (
    Element,
    Instance,
    OperationState,
    Organization,
)
from sandbox.running import Account
from tests.programs.answers import problem, told
from tests.programs.conftest import Program
from tests.states import put_in_state

pytestmark = pytest.mark.django_db
Ask = Callable[..., Instance]


@pytest.fixture
def wish(account: Account) -> dict[str, Any]:
    """The guide's instance.json."""
    login = account.sandbox
    return {
        "element": {"key": "zuorav2"},
        "configuration": {
            "zuorav2.sandbox": True,
            "username": login.username,
            "password": login.password,
        },
        "tags": ["billing"],
        "name": "From a program",
    }


def test_creating_asks_once_however_often_it_is_sent(program: Program, wish: Any) -> None:
    first = program.post("instances", wish, Idempotency_Key="once")
    again = program.post("instances", wish, Idempotency_Key="once")
    assert told(first, 202) == told(again, 202)
    made = Instance.objects.get()
    assert (made.name, made.tag_names[0], made.environment) == (
        "From a program",
        "billing",
        "sandbox",
    )
    assert first["Location"] == f"/api/v1/instances/{made.pk}"
    other = program.post("instances", wish | {"name": "Another"}, Idempotency_Key="once")
    problem(other, 422, "idempotency-key-reused")
    assert Instance.objects.count() == 1


def test_creating_wants_a_key_of_the_wish(program: Program, wish: Any) -> None:
    assert "Idempotency-Key" in problem(program.post("instances", wish), 422, "invalid")
    assert not Instance.objects.exists()


def test_every_missing_entry_is_named(program: Program, wish: Any) -> None:
    wish["configuration"] = {"zuorav2.sandbox": True}
    answer = program.post("instances", wish, Idempotency_Key="once")
    fields = problem(answer, 422, "entries-missing")
    assert set(fields) == {"configuration.username", "configuration.password"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"owner": "mallory"}, "owner"),
        ({"status": "active"}, "status"),
        ({"name": "  "}, "body"),
        ({"name": None}, "name"),
        ({"tags": ["ced-own"]}, "body"),
        ({"tags": "billing"}, "tags"),
        ({"configuration": {"username": {"$ne": ""}}}, "configuration.username"),
        ({"configuration": {"username": "a\0b"}}, "configuration.username"),
        ({"element": {"key": "zuorav2", "id": 7}}, "element.id"),
    ],
)
def test_what_has_no_meaning_is_refused_and_nothing_is_asked_for(
    program: Program, wish: Any, changes: dict[str, object], field: str
) -> None:
    answer = program.post("instances", {**wish, **changes}, Idempotency_Key="once")
    assert field in problem(answer, 422, "invalid")
    assert not Instance.objects.exists()


@pytest.mark.parametrize(
    "body", ["{", '{"name": NaN}', '{"name": "a", "name": "b"}', "[" * 100_000]
)
def test_what_is_no_json_is_refused(program: Program, body: str) -> None:
    answer = program.client.post(
        "/api/v1/instances", body, content_type="application/json", headers={"Idempotency-Key": "x"}
    )
    problem(answer, 400, "unreadable-body")


def test_credentials_of_the_other_environment_stop_until_confirmed(
    program: Program, ask: Ask, account: Account, wish: Any
) -> None:
    put_in_state(ask(), OperationState.SUCCEEDED)
    wish["configuration"]["zuorav2.sandbox"] = False
    problem(program.post("instances", wish, Idempotency_Key="a"), 409, "other-environment")
    wish["confirm_environment"] = True
    told(program.post("instances", wish, Idempotency_Key="a"), 202)


def test_a_list_has_the_filters_of_the_page_and_goes_on_where_it_ended(
    program: Program, ask: Ask
) -> None:
    made = [
        ask(name=f"Zuora {number}", tag_names=["eu"] if number % 2 else []) for number in range(5)
    ]
    first = told(program.get("instances?limit=2"))
    assert [one["name"] for one in first["items"]] == ["Zuora 4", "Zuora 3"]
    rest = told(program.get(f"instances?limit=200&after={first['next']}"))
    assert [one["id"] for one in rest["items"]] == [str(one.pk) for one in made[2::-1]]
    assert rest["next"] is None
    tagged = told(program.get("instances?tag=eu&q=zuora&status=queued&owner=me"))
    assert [one["name"] for one in tagged["items"]] == ["Zuora 3", "Zuora 1"]
    assert told(program.get("instances?status=active"))["items"] == []


def test_a_filter_that_means_nothing_is_refused(program: Program) -> None:
    assert problem(program.get("instances?statuss=active"), 422, "invalid") == {
        "statuss": "This is not known here."
    }
    assert "status" in problem(program.get("instances?status=actve"), 422, "invalid")


def test_a_list_costs_the_same_however_long(
    program: Program, ask: Ask, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(6):
        ask()
    with django_assert_max_num_queries(16):
        program.get("instances")


def test_without_a_token_that_is_said(program: Program, ask: Ask) -> None:
    problem(program.post(f"instances/{ask().pk}/token"), 409, "no-token")


def test_an_operation_that_needs_somebody_is_decided(program: Program, ask: Ask) -> None:
    instance = ask()
    put_in_state(instance, OperationState.NEEDS_PERSON)
    path = f"operations/{instance.operations.get().pk}"
    shown = told(program.get(f"{path}?wait=30"))
    assert "mark" in shown["choices"]
    adopt = {"choice": "adopt", "reason": "That one."}
    assert "choice" in problem(program.post(f"{path}/decide", adopt), 422, "not-possible")
    mark = {"choice": "mark", "reason": "It never arrived."}
    assert told(program.post(f"{path}/decide", mark))["is_final"]
    problem(program.post(f"{path}/decide", mark), 409, "not-waiting")


def test_a_request_is_taken_back_once(program: Program, ask: Ask) -> None:
    path = f"operations/{ask().operations.get().pk}/cancel"
    assert told(program.post(path, {}))["state"] == "canceled"
    problem(program.post(path, {}), 409, "too-late")


def test_the_organization_shows_no_secret(program: Program, organization: Organization) -> None:
    answer = program.get("organizations")
    (shown,) = told(answer)["items"]
    assert shown["name"] == organization.name
    assert "secret" not in answer.content.decode()
    assert "ce1." not in answer.content.decode()


def test_the_catalog_says_what_an_element_asks_for(
    program: Program, organization: Organization
) -> None:
    Element.objects.create(
        organization=organization,
        element_key="ledgers",
        name="Ledgers",
        seen_at=organization.created_at,
        settings=[
            {
                "key": "password",
                "name": "Password",
                "description": "",
                "kind": "PASSWORD",
                "is_required": True,
                "is_hidden": False,
                "default": "",
                "options": [],
                "group": "",
                "chooses_group": False,
            }
        ],
    )
    assert [one["key"] for one in told(program.get("elements?q=ledg"))["items"]] == ["ledgers"]
    (entry,) = told(program.get("elements/ledgers"))["entries"]
    assert entry["is_secret"]
    assert entry["is_required"]


def test_a_key_says_what_it_may_do(program: Program) -> None:
    assert told(program.get("key"))["scopes"] == ["read", "write", "reveal", "admin"]


def test_nobody_comes_in_without_a_key_or_with_a_session(signed_in: Client, ask: Ask) -> None:
    answer = signed_in.get("/api/v1/instances")
    problem(answer, 401, "key-missing")
    assert answer["WWW-Authenticate"] == 'Bearer realm="Elementdesk"'
    refused = Program("edk_" + "x" * 56).get("instances")
    problem(refused, 401, "key-refused")
    assert 'error="invalid_token"' in refused["WWW-Authenticate"]


def test_addresses_and_methods_that_are_not_there(program: Program, ask: Ask) -> None:
    for path in ("nothing", "instances/", "instances/7", f"instances/{uuid.uuid4()}"):
        problem(program.get(path), 404, "not-found")
    problem(program.client.get("/api/"), 404, "not-found")
    answer = program.ask("PUT", "instances", {})
    problem(answer, 405, "method-not-allowed")
    assert answer["Allow"] == "GET, POST"


def test_bodies_that_are_too_large_or_no_json(program: Program) -> None:
    large = program.post("instances", {"name": "x" * 300_000}, Idempotency_Key="a")
    problem(large, 413, "too-large")
    form = program.client.post("/api/v1/instances", {"name": "x"})
    problem(form, 415, "not-json")


def test_one_request_too_many_is_told_when_to_come_back(
    program: Program, settings: Settings
) -> None:
    settings.API = {**settings.API, "PER_MINUTE": 2}
    first = program.get("key")
    assert first["RateLimit-Policy"] == '"key";q=2;w=60'
    assert first["RateLimit"].startswith('"key";r=1;t=')
    program.get("key")
    answer = program.get("key")
    problem(answer, 429, "too-many-requests")
    assert 0 < int(answer["Retry-After"]) <= 60
    assert answer["RateLimit"].startswith('"key";r=0;')


def test_plain_http_is_refused_and_not_led_on(program: Program, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT, settings.SECURE_REDIRECT_EXEMPT = True, [r"^api/"]
    problem(program.get("key"), 403, "https-only")


def test_what_nobody_expected_is_told_in_the_same_form(
    program: Program, settings: Settings
) -> None:
    settings.API = {}
    problem(program.get("key"), 500, "server-error")


def test_one_more_than_may_wait_is_sent_away(program: Program, ask: Ask) -> None:
    path = f"operations/{ask().operations.get().pk}?wait=0.2"
    places = [waiting.PLACES.acquire(blocking=False) for _ in range(8)]
    try:
        answer = program.get(path)
    finally:
        for _ in range(sum(places)):
            waiting.PLACES.release()
    problem(answer, 503, "too-many-waiting")
    assert answer["Retry-After"]
    assert told(program.get(path))["state"] == "queued"


def test_the_documentation_tells_every_operation_of_the_document(
    signed_in: Client, program: Program
) -> None:
    document = told(program.get("openapi.json"))
    assert document["openapi"] == "3.1.0"
    page = signed_in.get(reverse("api:documentation"))
    text = page.content.decode()
    for path, methods in document["paths"].items():
        assert path in text
        assert all(f'id="{one["operationId"]}"' in text for one in methods.values())
    assert Client().get(reverse("api:documentation")).status_code == 302

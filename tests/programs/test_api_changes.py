"""Changes, tokens and shares of an instance that a worker made, asked for by programs."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from instances.models import (
    AuditEntry,
    Instance,
    Operation,
    Role,
    Share,
)
from sandbox.running import Account
from tests.programs.answers import problem, told
from tests.programs.conftest import MakeKey, Program

pytestmark = pytest.mark.django_db(transaction=True)
Ask = Callable[..., Instance]


def test_an_instance_shows_no_secret_and_its_own_tag_stays_ours(
    program: Program, made: Instance
) -> None:
    answer = program.get(f"instances/{made.pk}")
    shown = told(answer)
    assert shown["status"] == "active"
    assert shown["tags"] == ["billing"]
    assert shown["operation"]["state"] == "succeeded"
    assert shown["configuration"]["password"] == "********"
    assert "ce1." not in answer.content.decode()


def test_an_edit_wants_what_was_read_and_changes_only_what_differs(
    program: Program, made: Instance
) -> None:
    path = f"instances/{made.pk}"
    wish = {"name": "Renamed", "tags": ["billing", "eu"]}
    problem(program.ask("PATCH", path, wish), 428, "if-match-missing")
    problem(program.ask("PATCH", path, wish, If_Match='"old"'), 412, "changed-meanwhile")
    etag = program.get(path)["ETag"]
    operation = told(program.ask("PATCH", path, wish, If_Match=etag), 202)
    assert operation["kind"] == "edit"
    payload = Operation.objects.get(pk=operation["id"]).payload
    assert (payload["name"], payload["tags_added"]) == ("Renamed", ["eu"])
    assert program.get(path)["ETag"] != etag
    busy = program.ask("PATCH", path, wish, If_Match="*")
    problem(busy, 409, "not-changeable")


def test_an_edit_takes_no_credential_and_no_tag_of_ours(program: Program, made: Instance) -> None:
    wish = {"configuration": {"password": "typed"}, "tags": ["ced-x"]}
    answer = program.ask("PATCH", f"instances/{made.pk}", wish, If_Match="*")
    assert set(problem(answer, 422, "invalid")) == {"configuration.password", "tags"}


def test_credentials_are_replaced_and_nothing_else(program: Program, made: Instance) -> None:
    path = f"instances/{made.pk}/re-authenticate"
    unknown = program.post(path, {"configuration": {"filter.response.nulls": "true"}})
    assert set(problem(unknown, 422, "invalid")) == {"configuration.filter.response.nulls"}
    masked = program.post(path, {"configuration": {"password": "********"}})
    assert set(problem(masked, 422, "mask-typed")) == {"configuration.password"}
    problem(program.post(path, {"configuration": {}}), 422, "nothing-changes")
    wish = {"configuration": {"password": "another one of these"}}
    assert told(program.post(path, wish), 202)["kind"] == "reauthenticate"


def test_disabling_enabling_deleting_and_undoing(program: Program, made: Instance) -> None:
    path = f"instances/{made.pk}"
    assert "reason" in problem(program.post(f"{path}/disable", {"reason": ""}), 422, "invalid")
    problem(program.post(f"{path}/delete/undo"), 409, "too-late")
    other = {"name": "Another", "reason": "No longer needed."}
    problem(program.post(f"{path}/delete", other), 422, "name-differs")
    wish = {"name": made.name, "reason": "No longer needed."}
    assert told(program.post(f"{path}/delete", wish), 202)["kind"] == "disable"
    problem(program.post(f"{path}/enable", {"reason": "Again."}), 409, "not-changeable")


def test_another_like_it_takes_over_everything_but_credentials(
    program: Program, made: Instance, account: Account
) -> None:
    path = f"instances/{made.pk}/clone"
    bare = program.post(path, {"configuration": {}}, Idempotency_Key="a")
    assert {"configuration.username", "configuration.password"} == set(
        problem(bare, 422, "invalid")
    )
    login = {"username": account.sandbox.username, "password": account.sandbox.password}
    first = told(program.post(path, {"configuration": login}, Idempotency_Key="b"), 202)
    again = told(program.post(path, {"configuration": login}, Idempotency_Key="b"), 202)
    twin = Instance.objects.get(pk=first["instance_id"])
    assert first["id"] == again["id"]
    assert (twin.name, twin.environment) == (f"{made.name} (copy)", "sandbox")
    assert twin.tag_names[0] == "billing"


def test_a_rotation_is_asked_for_once(program: Program, made: Instance, account: Account) -> None:
    path = f"instances/{made.pk}/rotate"
    login = {"username": account.sandbox.username, "password": account.sandbox.password}
    wish = {"configuration": login, "days": 1}
    first = told(program.post(path, wish, Idempotency_Key="b"), 202)
    assert told(program.post(path, wish, Idempotency_Key="b"), 202)["id"] == first["id"]
    assert first["old_id"] == str(made.pk)
    problem(program.post(path, wish, Idempotency_Key="c"), 409, "not-changeable")


def test_a_token_is_recorded_with_the_key_before_it_is_handed_out(
    program: Program, made: Instance, make_key: MakeKey
) -> None:
    answer = program.post(f"instances/{made.pk}/token")
    assert told(answer)["header"].endswith(told(answer)["token"])
    assert answer["Cache-Control"] == "no-store"
    (entry,) = AuditEntry.objects.filter(action="token.revealed")
    assert entry.actor_name == "olivia"
    assert entry.detail["api_key"] == told(program.get("key"))["prefix"]


def test_shares_are_given_replaced_and_ended(
    program: Program, made: Instance, make_user: Callable[..., User]
) -> None:
    make_user("tara")
    path = f"instances/{made.pk}/shares"
    given = told(program.post(path, {"person": "tara", "level": "view"}))
    assert told(program.post(path, {"person": "tara", "level": "use"}))["id"] == given["id"]
    assert [one["level"] for one in told(program.get(path))["items"]] == ["use"]
    assert "person" in problem(
        program.post(path, {"person": "who", "level": "use"}), 422, "invalid"
    )
    assert program.ask("DELETE", f"shares/{given['id']}").status_code == 204
    assert not Share.objects.exists()


def test_the_record_is_for_admins_and_of_the_organization(
    program: Program, made: Instance, make_key: MakeKey, member: Callable[..., User]
) -> None:
    problem(program.get("audit"), 404, "not-found")
    of_admin = Program(make_key(member(Role.ADMIN), name="Of an admin")[1])
    page = told(of_admin.get("audit?action=instance"))
    assert {one["object_name"] for one in page["items"]} == {made.name}

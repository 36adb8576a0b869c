"""What is refused leaves an entry; what is handed out needs one."""

import uuid
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection
from django.test import Client
from django.urls import reverse

from instances import operations
from instances.models import AuditEntry, Instance, Membership, Organization, Role, Scope
from tests.programs.answers import problem, told
from tests.programs.conftest import MakeKey, Program, elsewhere, make_key, program
from tests.states import TOKEN

__all__ = ["elsewhere", "make_key", "program"]  # fixtures, by their names

pytestmark = pytest.mark.django_db


@pytest.fixture
def stranger(make_user: Callable[..., User]) -> Client:
    """A browser in which somebody without any right is signed in."""
    client = Client()
    client.force_login(make_user("stan"))
    return client


def refusals() -> list[tuple[str, str, str]]:
    rows = AuditEntry.objects.filter(action="access.refused", result="refused").order_by("pk")
    return [(row.actor_name, row.object_id, row.detail["wanted"]) for row in rows]


def test_a_page_that_exists_and_is_refused_leaves_an_entry(
    stranger: Client, active: Instance
) -> None:
    assert stranger.get(active.get_absolute_url()).status_code == 404
    assert refusals() == [("stan", str(active.pk), "view")]
    entry = AuditEntry.objects.get(action="access.refused")
    assert (entry.rights, entry.address, len(entry.request_id)) == ("none", "127.0.0.1", 32)
    assert entry.organization_id == active.organization_id


def test_what_does_not_exist_leaves_none(stranger: Client, db: None) -> None:
    stranger.get(reverse("instances:detail", args=[uuid.uuid4()]))
    assert refusals() == []


def test_many_tries_leave_one_entry_a_minute(stranger: Client, active: Instance) -> None:
    for _ in range(5):
        stranger.get(active.get_absolute_url())
        stranger.get(reverse("instances:token", args=[active.pk]))
    assert len(refusals()) == 1


def test_one_person_cannot_flood_the_record(
    stranger: Client, organization: Organization, operator: User
) -> None:
    known = {"organization": organization, "owner": operator, "element_key": "zuorav2"}
    made = Instance.objects.bulk_create(Instance(name=f"Number {n}", **known) for n in range(33))
    for instance in made:
        assert stranger.get(instance.get_absolute_url()).status_code == 404
    assert len(refusals()) == 30
    last = AuditEntry.objects.filter(action="access.refused").latest("pk")
    assert "not recorded" in last.detail["next"]


def test_an_act_beyond_a_role_leaves_an_entry(
    active: Instance, member: Callable[..., User]
) -> None:
    viewer = Client()
    viewer.force_login(member(Role.VIEWER, "vera"))
    assert viewer.post(reverse("instances:reveal", args=[active.pk])).status_code == 404
    assert viewer.get(reverse("instances:delete", args=[active.pk])).status_code == 404
    assert [wanted for _, _, wanted in refusals()] == ["use", "manage"]
    assert AuditEntry.objects.filter(action="access.refused", rights="viewer").count() == 2


def test_rights_are_noted_with_each_act(signed_in: Client, active: Instance) -> None:
    signed_in.post(reverse("instances:reveal", args=[active.pk]))
    assert AuditEntry.objects.get(action="token.revealed").rights == "operator, owner"


@pytest.mark.django_db(transaction=True)
def test_without_a_row_in_the_record_no_token_is_shown(signed_in: Client, active: Instance) -> None:
    signed_in.raise_request_exception = False
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE instances_auditentry RENAME TO away")
    try:
        answer = signed_in.post(reverse("instances:reveal", args=[active.pk]))
        with pytest.raises(DatabaseError):
            operations.reveal_token(actor=active.owner, instance=active)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO instances_auditentry")
    assert answer.status_code >= 500
    assert TOKEN not in answer.content.decode()


def test_an_organization_may_ask_for_a_reason(
    signed_in: Client, organization: Organization, active: Instance, operator: User
) -> None:
    reveal = reverse("instances:reveal", args=[active.pk])
    Membership.objects.filter(user=operator).update(role=Role.ADMIN)
    page = reverse("instances:organization", args=[organization.pk])
    settings = {"name": "North", "base_url": organization.base_url, "asks_reason": "on"}
    assert signed_in.post(page, settings | {"is_active": "on"}).status_code == 302
    refused = signed_in.post(reveal, {"reason": " "}, headers={"Accept": "application/json"})
    assert (refused.status_code, "Say first why" in refused.json()["error"]) == (409, True)
    shown = signed_in.post(reveal, {"reason": "incident 7"})
    assert TOKEN in shown.content.decode()
    assert AuditEntry.objects.get(action="token.revealed").detail == {"reason": "incident 7"}


def test_whoever_manages_reads_what_is_recorded_of_an_instance(
    signed_in: Client, stranger: Client, active: Instance
) -> None:
    stranger.get(active.get_absolute_url())
    page = signed_in.get(reverse("instances:record", args=[active.pk])).content.decode()
    assert "Was refused" in page
    assert "stan" in page
    assert "127.0.0.1" in page


def test_what_a_key_is_refused_leaves_an_entry(
    active: Instance, member: Callable[..., User], make_key: MakeKey, make_user: Callable[..., User]
) -> None:
    viewer = member(Role.VIEWER, "vera")
    key, text = make_key(viewer)
    reader = Program(make_key(viewer, Scope.READ)[1])
    program = Program(text)
    problem(program.post(f"instances/{active.pk}/token"), 404, "not-found")
    problem(program.get(f"instances/{uuid.uuid4()}"), 404, "not-found")
    for _ in range(2):
        problem(reader.post(f"instances/{active.pk}/token"), 403, "scope-missing")
    assert [wanted for _, _, wanted in refusals()] == ["use", "scope reveal"]
    first = AuditEntry.objects.get(action="access.refused", detail__wanted="use")
    assert (first.detail["api_key"], first.rights) == (key.prefix, "viewer")


def test_what_belongs_to_another_organization_is_refused_to_a_key(
    active: Instance, operator: User, elsewhere: Program
) -> None:
    for path in (f"instances/{active.pk}", f"operations/{active.operations.get().pk}"):
        problem(elsewhere.get(path), 404, "not-found")
    assert refusals() == [(operator.username, str(active.pk), "view")]


def test_a_program_gives_its_reason(
    active: Instance, organization: Organization, program: Program
) -> None:
    path = f"instances/{active.pk}/token"
    assert program.post(path).status_code == 200
    Organization.objects.filter(pk=organization.pk).update(asks_reason=True)
    for body in (None, {}, {"reason": " "}):
        assert "reason" in problem(program.post(path, body), 422, "reason-missing")
    assert told(program.post(path, {"reason": "nightly"}))["token"] == TOKEN
    assert (
        AuditEntry.objects.filter(action="token.revealed").latest("pk").detail["reason"]
        == "nightly"
    )

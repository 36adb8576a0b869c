"""The page of the record: who reads it, what it finds, and what leaves as a file."""

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from instances import audit
from instances.audit import reading
from instances.models import AuditEntry, AuditResult, Instance, Organization, Role

pytestmark = pytest.mark.django_db

Read = Callable[..., str]


@pytest.fixture
def admin(client: Client, member: Callable[..., User]) -> User:
    """An admin of the organization, signed in."""
    admin = member(Role.ADMIN)
    client.force_login(admin)
    return admin


@pytest.fixture
def read(client: Client) -> Read:
    """Read the page with these filters."""

    def ask(**filters: Any) -> str:
        return client.get(reverse("instances:audit_list"), filters).content.decode()

    return ask


def titles(page: str) -> int:
    return page.count('<td data-label="What">')


def test_an_admin_reads_what_is_of_their_organization_only(
    admin: User, read: Read, organization: Organization, make_user: Callable[..., User]
) -> None:
    audit.record(admin, "organization.changed", organization)
    audit.record(admin, "password.changed", make_user("eve"))
    page = read()
    assert "organization.changed" in page
    assert "password.changed" not in page
    assert str(organization) in page


def test_who_may_view_entries_in_the_admin_reads_all(
    client: Client, read: Read, organization: Organization, make_user: Callable[..., User]
) -> None:
    auditor = make_user("auditor")
    auditor.user_permissions.add(Permission.objects.get(codename="view_auditentry"))
    client.force_login(auditor)
    audit.record(auditor, "password.changed", auditor)
    audit.record(auditor, "organization.changed", organization)
    page = read()
    assert titles(page) == 2
    assert f'<option value="{organization.pk}"' in page


def test_what_happens_to_an_instance_is_of_its_organization(
    admin: User, read: Read, ask: Callable[..., Instance]
) -> None:
    instance = ask(name="Billing")
    page = read(about=instance.pk)
    assert "instance.requested" in page
    assert "Billing" in page


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"actor": "mia"}, ["token.revealed"]),
        ({"action": "share."}, ["share.removed"]),
        ({"result": "refused"}, ["share.removed"]),
        ({"since": "2026-01-02"}, ["share.removed"]),
        ({"until": "2026-01-01"}, ["token.revealed"]),
        ({"since": "2026-01-01", "until": "2026-01-02"}, ["share.removed", "token.revealed"]),
        ({"about": "f" * 32}, ["share.removed"]),
        ({"actor": "nobody"}, []),
    ],
)
def test_filters(
    admin: User,
    read: Read,
    organization: Organization,
    make_user: Callable[..., User],
    filters: dict[str, str],
    found: list[str],
) -> None:
    AuditEntry.objects.bulk_create(_two_days(organization, admin, make_user("mia")))
    page = read(**filters)
    actions = [name for name in ("share.removed", "token.revealed") if f"<code>{name}" in page]
    assert actions == found


def _two_days(organization: Organization, admin: User, mia: User) -> list[AuditEntry]:
    first = audit.entry(mia, "token.revealed", organization)
    first.at = datetime(2026, 1, 1, 23, 59, tzinfo=UTC)
    second = audit.entry(admin, "share.removed", organization, result=AuditResult.REFUSED)
    second.at, second.request_id = datetime(2026, 1, 2, tzinfo=UTC), "f" * 32
    return [first, second]


def test_a_filter_that_cannot_be_understood_is_told_and_left_out(
    admin: User, read: Read, organization: Organization
) -> None:
    audit.record(admin, "organization.changed", organization)
    page = read(since="yesterday", organization="none", before="0")
    assert page.count("This filter is left out.") == 3
    assert titles(page) == 1


def test_pages_follow_each_other(
    admin: User, read: Read, client: Client, organization: Organization
) -> None:
    rows = [audit.entry(admin, "organization.changed", organization) for _ in range(60)]
    AuditEntry.objects.bulk_create(rows)
    before = client.get(reverse("instances:audit_list")).context["page"].before
    assert titles(read()) == 50
    assert titles(read(before=before)) == 10 + AuditEntry.objects.count() - 60


def test_what_is_rare_is_looked_for_part_by_part(
    admin: User, client: Client, organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "WINDOW", 10)
    audit.record(admin, "share.removed", organization)
    AuditEntry.objects.bulk_create(
        audit.entry(admin, "organization.changed", organization) for _ in range(25)
    )
    address, steps, page = reverse("instances:audit_list"), 0, None
    while page is None or (page.before and not page.rows):
        query = {"action": "share."} | ({"before": page.before} if page else {})
        answer = client.get(address, query)
        page, steps = answer.context["page"], steps + 1
    assert [entry.action for entry in page.rows] == ["share.removed"]
    assert steps == 3


def test_the_number_of_queries_does_not_grow(
    admin: User, client: Client, organization: Organization
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as caught:
            client.get(reverse("instances:audit_list"))
        return len(caught)

    audit.record(admin, "organization.changed", organization)
    few = queries()
    AuditEntry.objects.bulk_create(
        audit.entry(admin, "organization.changed", organization) for _ in range(40)
    )
    assert queries() == few


def test_a_file_holds_what_the_filters_leave_and_starts_no_formula(
    admin: User, client: Client, organization: Organization
) -> None:
    audit.record(admin, "share.removed", organization, reason="=HYPERLINK(1)")
    Organization.objects.filter(pk=organization.pk).update(name="=1+1")
    organization.refresh_from_db()
    audit.record(admin, "organization.changed", organization)
    audit.record(admin, "token.revealed", organization)
    address = reverse("instances:audit_export", args=["csv"]) + "?action=organization."
    answer = client.post(address)
    rows = list(csv.DictReader(answer.getvalue().decode().splitlines()))
    assert [row["action"] for row in rows] == ["organization.changed"]
    assert rows[0]["object_name"].startswith("'=1+1")
    assert answer["Content-Disposition"] == 'attachment; filename="audit.csv"'


def test_lines_of_json_hold_the_facts_as_they_are(
    admin: User, client: Client, organization: Organization
) -> None:
    audit.record(admin, "share.removed", organization, reason="=HYPERLINK(1)")
    answer = client.post(reverse("instances:audit_export", args=["jsonl"]))
    lines = [json.loads(line) for line in answer.getvalue().splitlines()]
    told = {line["action"]: line["detail"] for line in lines}
    assert told["share.removed"] == {"reason": "=HYPERLINK(1)"}


def test_an_export_is_recorded_before_anything_leaves(
    admin: User, client: Client, organization: Organization
) -> None:
    client.post(reverse("instances:audit_export", args=["csv"]) + "?actor=mia")
    entry = AuditEntry.objects.get(action="audit.exported")
    assert entry.actor == admin
    assert entry.detail == {"kind": "csv", "filters": {"actor": "mia"}}


def test_a_file_holds_the_pages_before_this_one_too(
    admin: User, client: Client, organization: Organization
) -> None:
    first, second = (audit.record(admin, "share.removed", organization) for _ in range(2))
    address = f"{reverse('instances:audit_export', args=['jsonl'])}?before={second.pk}"
    lines = client.post(address).getvalue().splitlines()
    assert {first.pk, second.pk} <= {json.loads(line)["id"] for line in lines}
    assert AuditEntry.objects.get(action="audit.exported").detail["filters"] == {}


def test_there_is_no_other_kind_of_file(admin: User, client: Client) -> None:
    assert client.post(reverse("instances:audit_export", args=["xml"])).status_code == 404
    assert not AuditEntry.objects.filter(action="audit.exported").exists()


def test_the_organizations_page_leads_its_admin_there(
    admin: User, client: Client, organization: Organization, member: Callable[..., User]
) -> None:
    link = f"{reverse('instances:audit_list')}?organization={organization.pk}"
    assert link in client.get(organization.get_absolute_url()).content.decode()
    client.force_login(member(Role.OPERATOR))
    assert link not in client.get(organization.get_absolute_url()).content.decode()


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_a_day_far_away_is_no_error(
    admin: User, client: Client, organization: Organization, day: str
) -> None:
    audit.record(admin, "organization.changed", organization)
    for name in ("since", "until"):
        assert client.get(reverse("instances:audit_list"), {name: day}).status_code == 200

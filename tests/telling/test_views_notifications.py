"""The bell and its page, and how somebody wants to be told."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from instances.engine import spreading
from instances.models import (
    Instance,
    MailChoice,
    Membership,
    NoticeKind,
    Notification,
    Preference,
    Role,
)
from tests.telling.steps import note

pytestmark = pytest.mark.django_db

PAGE = "/notifications/"
PREFERENCES = "/account/notifications/"


@pytest.fixture
def told(active: Instance) -> Notification:
    """One notification of the operator."""
    note(active, NoticeKind.ACTION_NEEDED)
    spreading.run()
    return Notification.objects.get()


def bell(client: Client, page: str = "/activity/") -> str:
    return str(client.get(page).context["waiting"]["unread"])


def read(client: Client, row: Notification, **fields: str) -> Any:
    return client.post(reverse("instances:notification_read", args=[row.pk]), fields)


def test_bell_counts_what_is_not_read(signed_in: Client, told: Notification) -> None:
    assert bell(signed_in) == "1"
    read(signed_in, told)
    assert bell(signed_in) == ""


def test_bell_counts_no_further_than_people_do(
    signed_in: Client, active: Instance, operator: User
) -> None:
    notices = [note(active, NoticeKind.CREATED, key=str(at)) for at in range(101)]
    Notification.objects.bulk_create(Notification(notice=n, user=operator) for n in notices)
    assert bell(signed_in) == "99+"


def test_bell_costs_no_query_of_its_own(signed_in: Client, told: Notification) -> None:
    with CaptureQueriesContext(connection) as captured:
        signed_in.get("/activity/")
    asked = [one["sql"] for one in captured if "instances_notification" in one["sql"]]
    assert len(asked) == 1
    assert "instances_finding" in asked[0]


def test_page_tells_what_happened(signed_in: Client, told: Notification) -> None:
    page = signed_in.get(PAGE).content.decode()
    assert "Billing sandbox" in page
    assert "does not work until somebody acts" in page


def test_opening_one_marks_it_and_leads_to_it(
    signed_in: Client, told: Notification, active: Instance
) -> None:
    assert read(signed_in, told, open="1").headers["Location"] == active.get_absolute_url()
    told.refresh_from_db()
    assert told.read_at is not None


def test_marking_all_leaves_what_came_meanwhile(
    signed_in: Client, told: Notification, active: Instance
) -> None:
    note(active, NoticeKind.FAILED)
    spreading.run()
    signed_in.post("/notifications/read/", {"until": str(told.pk)})
    assert Notification.objects.unread().get().notice.kind == NoticeKind.FAILED


@pytest.mark.parametrize("until", ["", "x"])
def test_marking_nothing_in_particular_is_not_found(signed_in: Client, until: str) -> None:
    assert signed_in.post("/notifications/read/", {"until": until}).status_code == 404


def test_nobody_reads_or_marks_what_another_was_told(
    told: Notification, member: Callable[..., User]
) -> None:
    other = Client()
    other.force_login(member(Role.ADMIN))
    assert read(other, told).status_code == 404
    other.post("/notifications/read/", {"until": str(told.pk)})
    assert "Billing sandbox" not in other.get(PAGE).content.decode()
    told.refresh_from_db()
    assert told.read_at is None


def test_what_one_may_not_see_any_more_is_not_shown(
    signed_in: Client, told: Notification, operator: User
) -> None:
    Membership.objects.filter(user=operator).delete()
    page = signed_in.get(PAGE).content.decode()
    assert "Billing sandbox" not in page
    assert "You may not see any more" in page
    assert read(signed_in, told, open="1").headers["Location"] == PAGE


def test_a_name_is_text_only(signed_in: Client, told: Notification, active: Instance) -> None:
    active.name = "<img src=x onerror=alert(1)>"
    active.save()
    page = signed_in.get(PAGE).content.decode()
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


def test_queries_do_not_grow_with_what_was_told(
    signed_in: Client, told: Notification, ask: Callable[..., Instance]
) -> None:
    with CaptureQueriesContext(connection) as few:
        signed_in.get(PAGE)
    for at in range(10):
        note(ask(name=f"n{at}"), NoticeKind.CREATED, key=str(at))
    spreading.run()
    with CaptureQueriesContext(connection) as many:
        assert "n9" in signed_in.get(PAGE).content.decode()
    assert len(many) == len(few)


def form(client: Client, **changes: str) -> dict[str, str]:
    """Return the form as it is shown, with changes."""
    shown = client.get(PREFERENCES).context["form"]
    typed = {}
    for line in shown.lines():
        typed[line.mail.html_name] = str(line.mail.value())
        typed |= {line.bell.html_name: "on"} if line.bell.value() else {}
    return {key: value for key, value in (typed | changes).items() if value}


def test_what_is_chosen_is_kept(signed_in: Client, operator: User) -> None:
    answer = signed_in.post(PREFERENCES, form(signed_in, mail_created="daily", bell_failed=""))
    assert answer.status_code == 302
    rows = {row.kind: row for row in Preference.objects.filter(user=operator)}
    assert rows["created"].mail == MailChoice.DAILY
    assert not rows["failed"].is_in_app
    assert form(signed_in) == form(signed_in, mail_created="daily", bell_failed="")


def test_a_choice_that_does_not_exist_is_refused(signed_in: Client) -> None:
    assert signed_in.post(PREFERENCES, form(signed_in, mail_created="hourly")).status_code == 422
    assert not Preference.objects.exists()


@pytest.mark.parametrize(
    ("sends", "email", "words"),
    [
        (False, "o@example.com", "sends no e-mail yet"),
        (True, "", "has no e-mail address"),
        (True, "o@example.com", ""),
    ],
)
def test_preferences_say_why_no_mail_comes(
    signed_in: Client, operator: User, settings: Settings, sends: bool, email: str, words: str
) -> None:
    settings.TELLING = {**settings.TELLING, "SENDS_MAIL": sends}
    operator.email = email
    operator.save()
    page = signed_in.get(PREFERENCES).content.decode()
    notices = [text for text in ("sends no e-mail yet", "has no e-mail address") if text in page]
    assert notices == ([words] if words else [])

"""Needs attention: what is listed, for whom, and what the pages of a decision answer."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from instances.models import (
    AuditEntry,
    Finding,
    FindingKind,
    Instance,
    Operation,
    OperationState,
    Organization,
    Role,
    Share,
    ShareLevel,
    Verdict,
)
from tests.states import put_in_state

pytestmark = pytest.mark.django_db

Ask = Callable[..., Instance]
URL = reverse("instances:attention")


@pytest.fixture
def stopped(ask: Ask) -> Operation:
    """A request that needs a person, absent as far as is known."""
    instance = ask(name="Stopped one")
    put_in_state(instance, OperationState.NEEDS_PERSON)
    Operation.objects.update(problem="absent")
    return Operation.objects.get()


@pytest.fixture
def late(ask: Ask) -> Finding:
    """Something that appeared after its request was settled."""
    instance = ask(name="Settled one")
    put_in_state(instance, OperationState.SUCCEEDED)
    return Finding.objects.create(
        organization=instance.organization,
        operation=instance.operations.get(),
        kind=FindingKind.LATE,
        account=instance.account,
        remote_id=77,
        name="Late one",
        last_seen_at=timezone.now(),
    )


def text(client: Client, url: str = URL) -> str:
    return client.get(url).content.decode()


def test_nothing_to_do_is_said(signed_in: Client) -> None:
    assert "Nothing needs you" in text(signed_in)


def test_requests_and_findings_are_listed_and_counted(
    signed_in: Client, stopped: Operation, late: Finding
) -> None:
    page = text(signed_in)
    assert "Stopped one" in page
    assert "Late one (77)" in page
    assert '<span class="count">2<' in page


@pytest.mark.parametrize("page", ["/attention/", "/activity/"])
def test_the_number_of_queries_does_not_grow(
    signed_in: Client, ask: Ask, stopped: Operation, page: str, django_assert_num_queries: Any
) -> None:
    with CaptureQueriesContext(connection) as few:
        signed_in.get(page)
    for _ in range(4):
        put_in_state(ask(), OperationState.NEEDS_PERSON)
    with django_assert_num_queries(len(few)):
        signed_in.get(page)


def test_a_candidate_is_not_listed_beside_its_request(
    signed_in: Client, stopped: Operation, late: Finding
) -> None:
    Finding.objects.update(operation=stopped)
    assert "Late one (77)</bdi></a>" not in text(signed_in)


def test_a_deletion_of_what_was_found_that_stopped_is_listed_for_who_may_decide(
    signed_in: Client, member: Callable[..., User], organization: Organization, late: Finding
) -> None:
    deletion = Operation.objects.ask_deletion(
        requester=member(Role.ADMIN), organization=organization, remote_id=77, finding=late
    )
    Operation.objects.filter(pk=deletion.pk).update(state=OperationState.NEEDS_PERSON)
    Finding.objects.update(verdict=Verdict.DELETING)
    page = text(signed_in)
    assert reverse("instances:decide", args=[deletion.pk]) in page
    assert '<span class="count">1<' in page
    viewer = Client()
    viewer.force_login(member(Role.VIEWER))
    assert "Nothing needs you" in text(viewer)


def test_a_stranger_sees_nothing_of_it(
    make_user: Callable[..., User], stopped: Operation, late: Finding
) -> None:
    client = Client()
    client.force_login(make_user("stranger"))
    assert "Nothing needs you" in text(client)


def test_a_paused_organization_is_shown_with_the_next_probe(
    signed_in: Client, organization: Organization
) -> None:
    until = timezone.now() + timedelta(minutes=5)
    Organization.objects.update(
        breaker="open", paused_until=until, failures=5, failing_since=timezone.now()
    )
    page = text(signed_in)
    assert "calls are paused" in page
    assert f"{until:%H:%M:%S}" in page
    assert "calls are paused" in text(signed_in, organization.get_absolute_url())


def test_an_unknown_outcome_of_a_paused_organization_promises_no_look(
    signed_in: Client, ask: Ask
) -> None:
    instance = ask()
    put_in_state(instance, OperationState.UNKNOWN)
    Organization.objects.update(breaker="open", paused_until=timezone.now())
    page = text(signed_in, instance.get_absolute_url())
    assert "Until then we cannot look." in page
    assert "look-now" not in page


def test_a_wrong_decision_loses_nothing_typed(signed_in: Client, stopped: Operation) -> None:
    url = reverse("instances:decide", args=[stopped.pk])
    answer = signed_in.post(url, {"reason": "Because of the phone call."})
    assert answer.status_code == 422
    assert "Because of the phone call." in answer.content.decode()
    assert "Choose what shall happen." in answer.content.decode()


def test_a_choice_of_a_link_is_chosen(signed_in: Client, stopped: Operation) -> None:
    url = reverse("instances:decide", args=[stopped.pk]) + "?choice=mark"
    chosen = text(signed_in, url).split("checked")[0].rsplit("<input", 1)[1]
    assert 'value="mark"' in chosen


def test_deciding_late_is_told(signed_in: Client, stopped: Operation) -> None:
    Operation.objects.filter(pk=stopped.pk).update(state=OperationState.UNKNOWN)
    url = reverse("instances:decide", args=[stopped.pk])
    answer = signed_in.post(url, {"choice": "mark", "reason": "x"}, follow=True)
    assert "Somebody decided before" in answer.content.decode()


def test_the_reason_stands_in_the_history(signed_in: Client, stopped: Operation) -> None:
    url = reverse("instances:decide", args=[stopped.pk])
    signed_in.post(url, {"choice": "mark", "reason": "Checked by hand."})
    history = reverse("instances:instance_activity", args=[stopped.instance_id])
    page = text(signed_in, history)
    assert "Decided: marked as not created" in page
    assert "Reason: Checked by hand." in page


def test_a_finding_is_kept_by_its_owner(signed_in: Client, late: Finding) -> None:
    answer = signed_in.post(late.get_absolute_url(), {"choice": "keep", "reason": "Both used."})
    assert answer.status_code == 302
    late.refresh_from_db()
    assert late.verdict == Verdict.KEPT
    assert AuditEntry.objects.filter(action="finding.keep").exists()


def test_deleting_a_finding_wants_its_id(signed_in: Client, late: Finding) -> None:
    answer = signed_in.post(
        late.get_absolute_url(), {"choice": "delete", "reason": "Not used.", "typed_id": "7"}
    )
    assert answer.status_code == 422
    assert "Type the instance ID 77 to delete it." in answer.content.decode()


def test_a_queued_request_is_taken_back(signed_in: Client, ask: Ask) -> None:
    instance = ask()
    url = reverse("instances:cancel", args=[instance.pk])
    answer = signed_in.post(url, {"wish": "keep"}, follow=True)
    assert "Canceled. Nothing was created." in answer.content.decode()
    assert "Canceled: nothing was created" in answer.content.decode()


def test_what_is_ready_cannot_be_taken_back(signed_in: Client, active: Instance) -> None:
    url = reverse("instances:cancel", args=[active.pk])
    answer = signed_in.get(url, follow=True)
    assert "nothing to take back" in answer.content.decode()


def test_adopting_is_offered_only_to_who_may_create(
    late: Finding, operator: User, make_user: Callable[..., User]
) -> None:
    bob = make_user("bob")
    instance = late.about
    assert instance
    Share.objects.create(instance=instance, user=bob, level=ShareLevel.MANAGE, granted_by=operator)
    client = Client()
    client.force_login(bob)
    page = text(client, late.get_absolute_url())
    assert 'value="keep"' in page
    assert 'value="adopt"' not in page

"""One instance in every state: what the page says, and what it never says."""

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from instances.models import (
    Attempt,
    AuditEntry,
    Instance,
    InstanceStatus,
    Operation,
    OperationState,
)
from tests.states import TOKEN, put_in_state

Ask = Callable[..., Instance]
TABS = ("detail", "configuration", "token", "instance_activity", "sharing")
HOSTILE = "<script>alert(1)</script>\"'{{ x }}"


def url(name: str, instance: Instance) -> str:
    return reverse(f"instances:{name}", args=[instance.pk])


def words(response: Any) -> str:
    """What a person reads, without the markup."""
    page = response.content.decode().split("<main", 1)[1]
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page)))


@pytest.fixture
def stand(ask: Ask, signed_in: Client) -> Callable[[OperationState], str]:
    """Read the overview of an instance in a state."""

    def read(state: OperationState) -> str:
        instance = ask()
        put_in_state(instance, state)
        return words(signed_in.get(instance.get_absolute_url()))

    return read


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("queued", "Queued Your request is saved"),
        ("claimed", "Creating…"),
        ("blocked", "Waiting: the platform refused"),
        ("sending", "Creating… The request left at"),
        ("created", "Finishing"),
        ("unknown", "checking (3 looks so far) We sent the request"),
        ("needs_person", "Action needed"),
        ("succeeded", "Active"),
        ("rejected", "username is not known"),
        ("canceled", "Canceled: nothing was created"),
    ],
)
def test_state_is_said_in_plain_words(
    stand: Callable[[OperationState], str], state: str, said: str
) -> None:
    assert said in stand(OperationState(state))


def test_unknown_outcome_is_never_called_failed_or_active(
    stand: Callable[[OperationState], str],
) -> None:
    page = stand(OperationState.UNKNOWN)
    assert "We sent the request at" in page
    assert "It may have been created; we look for its tag before anything else." in page
    assert not re.search(r"\b(failed|active|retry|try again)\b", page, re.I)


def test_needs_person_says_what_to_look_for(stand: Callable[[OperationState], str]) -> None:
    page = stand(OperationState.NEEDS_PERSON)
    assert "Request 1 left on" in page
    assert "We looked on the platform 3 times" in page
    assert f"tag {Operation.objects.get().tag}" in page


def test_needs_person_without_a_request_says_so(signed_in: Client, ask: Ask) -> None:
    instance = ask()
    put_in_state(instance, OperationState.NEEDS_PERSON)
    Attempt.objects.all().delete()
    assert "No request has left." in words(signed_in.get(instance.get_absolute_url()))


def test_waiting_for_a_second_try_says_why(signed_in: Client, ask: Ask) -> None:
    instance = ask()
    Operation.objects.update(
        problem="connection",
        message="No connection.",
        next_run_at=timezone.now() + timedelta(minutes=5),
    )
    page = words(signed_in.get(instance.get_absolute_url()))
    assert "Queued: we are retrying No connection. Next try at" in page


def test_rejected_offers_to_edit_and_try_again(signed_in: Client, ask: Ask) -> None:
    instance = ask()
    put_in_state(instance, OperationState.REJECTED)
    page = signed_in.get(instance.get_absolute_url()).content.decode()
    assert f"{reverse('instances:new')}?from={instance.pk}" in page
    assert "Edit and try again" in page


@pytest.mark.parametrize("state", list(OperationState))
def test_overview_polls_only_while_busy(signed_in: Client, ask: Ask, state: OperationState) -> None:
    instance = ask()
    put_in_state(instance, state)
    page = signed_in.get(instance.get_absolute_url()).content.decode()
    assert ('hx-trigger="every 250ms"' in page) == instance.is_busy


def test_overview_asks_less_often_when_it_takes_longer(signed_in: Client, ask: Ask) -> None:
    instance = ask()
    Operation.objects.update(created_at=timezone.now() - timedelta(seconds=11))
    page = signed_in.get(instance.get_absolute_url()).content.decode()
    assert 'hx-trigger="every 1s"' in page


@pytest.mark.parametrize(
    ("state", "target", "begins"),
    [
        (OperationState.SENDING, None, '<section id="state"'),
        (OperationState.SUCCEEDED, "body", "<!doctype html>"),
    ],
)
def test_settled_answer_to_a_poll_is_the_whole_page(
    signed_in: Client, ask: Ask, state: OperationState, target: str | None, begins: str
) -> None:
    instance = ask()
    put_in_state(instance, state)
    response = signed_in.get(instance.get_absolute_url(), headers={"HX-Target": "state"})
    assert response.content.decode().strip().startswith(begins)
    assert response.headers.get("HX-Retarget") == target


def test_looking_now_is_asked_and_recorded(signed_in: Client, ask: Ask) -> None:
    instance = ask()
    put_in_state(instance, OperationState.UNKNOWN)
    response = signed_in.post(url("look", instance), follow=True)
    assert "We are looking on the platform now." in words(response)
    assert AuditEntry.objects.filter(action="instance.look_requested").exists()


def test_looking_when_settled_says_so(signed_in: Client, active: Instance) -> None:
    page = words(signed_in.post(url("look", active), follow=True))
    assert "There is nothing to look for any more." in page


def test_looking_is_only_posted(signed_in: Client, active: Instance) -> None:
    assert signed_in.get(url("look", active)).status_code == 405


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_says_why_one_sees_it(signed_in: Client, active: Instance, tab: str) -> None:
    assert "You see this because you are an operator" in words(signed_in.get(url(tab, active)))


@pytest.mark.parametrize("tab", TABS)
def test_stranger_gets_the_same_answer_as_for_nothing(
    client: Client, active: Instance, make_user: Any, tab: str
) -> None:
    client.force_login(make_user("stranger"))
    assert client.get(url(tab, active)).status_code == 404


@pytest.mark.parametrize("tab", TABS)
def test_no_page_holds_the_token(signed_in: Client, active: Instance, tab: str) -> None:
    page = signed_in.get(url(tab, active)).content.decode()
    assert TOKEN not in html.unescape(page)
    assert "ce1." not in page


def test_configuration_shows_masks_and_what_is_not_set(signed_in: Client, active: Instance) -> None:
    page = words(signed_in.get(url("configuration", active)))
    assert "password •••••••• masked" in page
    assert "bulk.relations not set" in page
    assert "base.url https://rest.zuora.com/v1" in page


@pytest.mark.parametrize("tab", TABS)
def test_hostile_strings_stay_text(signed_in: Client, active: Instance, tab: str) -> None:
    element = dict.fromkeys(["id", "name", "hub", "description", "image"], HOSTILE)
    Instance.objects.filter(pk=active.pk).update(
        name=HOSTILE, element=element, configuration={HOSTILE: HOSTILE}
    )
    active.replace_tags([HOSTILE])
    Attempt.objects.update(message=HOSTILE, request_id=HOSTILE)
    page = signed_in.get(url(tab, active)).content.decode()
    assert "<script>alert" not in page
    assert not re.search(r'="[^"]*<script', page)


def test_image_of_the_element_is_text_and_never_loaded(signed_in: Client, active: Instance) -> None:
    address = "http://pictures.example/logo.png"
    Instance.objects.filter(pk=active.pk).update(element={"image": address})
    page = signed_in.get(active.get_absolute_url()).content.decode()
    assert f"<code>{address}</code>" in page
    assert f'"{address}' not in page


def test_activity_lists_every_request(signed_in: Client, ask: Ask) -> None:
    instance = ask()
    put_in_state(instance, OperationState.REJECTED)
    page = words(signed_in.get(url("instance_activity", instance)))
    for said in ("1 POST /instances", "Refused", "400", "5f3c9a1e-77b0", "Requested", "By olivia"):
        assert said in page


def test_overview_of_an_instance_without_operation_renders(
    signed_in: Client, active: Instance
) -> None:
    Instance.objects.filter(pk=active.pk).update(status=InstanceStatus.ACTIVE)
    Attempt.objects.all().delete()
    active.operations.get().secret.delete()
    Operation.objects.all().delete()
    for tab in TABS:
        assert signed_in.get(url(tab, active)).status_code == 200

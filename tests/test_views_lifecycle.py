"""The pages on which an instance that exists is changed."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from instances.models import Instance, InstanceStatus, Operation, OperationState
from tests.states import put_in_state

pytestmark = pytest.mark.django_db

REASON = {"reason": "Maintenance <b>until</b> Friday."}
SHOWN_REASON = "Maintenance &lt;b&gt;until&lt;/b&gt; Friday."


def url(name: str, instance: Instance) -> str:
    return reverse(f"instances:{name}", args=[instance.pk])


def body(client: Client, instance: Instance) -> str:
    return client.get(instance.get_absolute_url()).content.decode()


@pytest.fixture
def disabled(active: Instance, signed_in: Client) -> Instance:
    """An instance that its owner disabled."""
    signed_in.post(url("disable", active), REASON)
    Operation.objects.filter(kind="disable").update(
        state=OperationState.SUCCEEDED, finished_at=active.created_at
    )
    Instance.objects.update(status=InstanceStatus.ACTIVE, is_disabled=True)
    active.refresh_from_db()
    return active


def test_disabling_says_that_it_is_under_way_and_never_that_it_is_created(
    active: Instance, signed_in: Client
) -> None:
    answer = signed_in.post(url("disable", active), REASON, follow=True).content.decode()
    assert "Being changed: disable" in answer
    assert "Creating" not in answer
    assert 'hx-trigger="every ' in answer


def test_a_disabled_instance_says_why_and_by_whom(disabled: Instance, signed_in: Client) -> None:
    page = body(signed_in, disabled)
    assert SHOWN_REASON in page
    assert "asked for by <bdi>olivia</bdi>" in page
    assert url("enable", disabled) in page
    assert url("disable", disabled) not in page


def test_the_list_shows_it_as_disabled(disabled: Instance, signed_in: Client) -> None:
    assert 'class="status status-disabled"' in signed_in.get("/instances/").content.decode()


def test_what_was_disabled_elsewhere_has_no_reason(active: Instance, signed_in: Client) -> None:
    Instance.objects.update(is_disabled=True)
    assert "It was not disabled here" in body(signed_in, active)


def test_a_reason_is_asked_for(active: Instance, signed_in: Client) -> None:
    answer = signed_in.post(url("disable", active), {"reason": " "})
    assert answer.status_code == 422
    assert b"Say why" in answer.content


def test_a_refused_change_stays_in_sight(disabled: Instance, signed_in: Client) -> None:
    Operation.objects.filter(kind="disable").update(
        state=OperationState.REJECTED, message="The platform refused the change: In use."
    )
    page = body(signed_in, disabled)
    assert "The platform refused the change: In use." in page
    assert "is-empty" not in page


def test_while_something_is_under_way_nothing_else_is_offered(
    active: Instance, signed_in: Client
) -> None:
    signed_in.post(url("disable", active), REASON)
    assert signed_in.post(url("disable", active), REASON).status_code == 302
    assert Operation.objects.filter(kind="disable").count() == 1
    assert url("disable", active) not in body(signed_in, active)


def test_a_queued_change_is_taken_back_without_a_choice(
    active: Instance, signed_in: Client
) -> None:
    signed_in.post(url("disable", active), REASON)
    assert b"what is changed already stays so" in signed_in.get(url("cancel", active)).content
    answer = signed_in.post(url("cancel", active), {"wish": "delete"}, follow=True)
    assert b"Canceled. Nothing was changed." in answer.content
    active.refresh_from_db()
    assert active.status == InstanceStatus.ACTIVE


def test_an_instance_of_an_organization_that_is_switched_off_says_so(
    active: Instance, signed_in: Client
) -> None:
    active.organization.is_active = False
    active.organization.save()
    answer = signed_in.post(url("disable", active), REASON)
    assert b"switched off" in answer.content
    active.refresh_from_db()
    assert active.status == InstanceStatus.ACTIVE


def test_whoever_may_only_use_it_sees_the_state_and_no_action(
    disabled: Instance, member: Callable[..., User]
) -> None:
    client = Client()
    client.force_login(member())
    page = body(client, disabled)
    assert SHOWN_REASON in page
    assert url("enable", disabled) not in page


def test_our_tag_is_shown_whatever_was_done_last(
    ask: Callable[..., Instance], signed_in: Client
) -> None:
    instance = ask()
    put_in_state(instance, OperationState.SUCCEEDED)
    own = instance.operations.get().tag
    instance.replace_tags(["billing", own])
    signed_in.post(url("disable", instance), REASON)
    page = body(signed_in, instance)
    assert own in page
    assert Operation.objects.get(kind="disable").tag not in page

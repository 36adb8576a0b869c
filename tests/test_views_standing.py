"""What the page of an instance says when only a person can help it on."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client

from instances.models import Instance, OperationState, Organization
from tests.states import put_in_state

pytestmark = pytest.mark.django_db

HALTS = [
    ({"secrets_refused_at": Now()}, "refused the organization"),
    ({"is_active": False}, "switched off"),
]


@pytest.mark.parametrize(("halt", "words"), HALTS)
@pytest.mark.parametrize("state", [OperationState.QUEUED, OperationState.UNKNOWN])
def test_page_says_that_a_person_is_needed(
    ask: Callable[..., Instance],
    operator: User,
    client: Client,
    state: OperationState,
    halt: dict[str, object],
    words: str,
) -> None:
    instance = ask()
    put_in_state(instance, state)
    Organization.objects.update(**halt)
    client.force_login(operator)
    page = client.get(instance.get_absolute_url()).content.decode()
    assert words in page
    assert "You need not do anything" not in page
    assert "Look now" not in page
    assert "checking" not in page


def test_nothing_is_shown_as_being_sent_while_it_waits_in_the_queue(
    ask: Callable[..., Instance], operator: User, client: Client
) -> None:
    instance = ask()
    client.force_login(operator)
    steps = client.get(instance.get_absolute_url()).context["steps"]
    assert [step.look for step in steps] == ["done", "", "", ""]


def test_what_is_queued_again_does_not_say_that_nothing_was_sent(
    ask: Callable[..., Instance], signed_in: Client
) -> None:
    instance = ask()
    put_in_state(instance, OperationState.UNKNOWN)
    instance.operations.get().attempts.update(outcome="proven_absent")
    instance.operations.update(state=OperationState.QUEUED)
    page = signed_in.get(instance.get_absolute_url()).content.decode()
    assert "Nothing has been sent yet" not in page
    assert "created nothing" in page

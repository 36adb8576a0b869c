"""The page on which an instance is edited: reviewed first, and nobody's words are lost."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from instances.models import Instance, InstanceStatus, Operation, OperationState, Role
from instances.operations import Edition, request_instance_edit

pytestmark = pytest.mark.django_db

CALLBACK = "entry.event.notification.callback.url"


@pytest.fixture
def url(active: Instance) -> str:
    return reverse("instances:edit", args=[active.pk])


@pytest.fixture
def fields(signed_in: Client, url: str) -> Callable[..., dict[str, str]]:
    """What a browser would send of the form as it was shown, with changes."""
    seen = _hidden(signed_in.get(url).content.decode(), "seen")

    def sent(**changes: str) -> dict[str, str]:
        return {"name": "Billing sandbox", "tags": "billing", "seen": seen, **changes}

    return sent


def _hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found, page
    return found[1]


def rename_by(other: User, instance: Instance, name: str) -> None:
    """Let somebody else change the name, all the way."""
    seen = Edition.of(instance)
    wanted = Edition(name, seen.tags, seen.values)
    request_instance_edit(requester=other, instance=instance, seen=seen, wanted=wanted)
    Operation.objects.filter(kind="edit").update(
        state=OperationState.SUCCEEDED, finished_at=instance.created_at
    )
    Instance.objects.update(name=name, status=InstanceStatus.ACTIVE)


def test_changes_are_shown_before_they_are_sent(
    signed_in: Client, url: str, fields: Callable[..., dict[str, str]]
) -> None:
    shown = signed_in.post(url, fields(name="New <name>"))
    assert shown.status_code == 200
    page = shown.content.decode()
    assert "<bdi>New &lt;name&gt;</bdi>" in page
    assert not Operation.objects.filter(kind="edit").exists()
    sent = fields(name="New <name>", reviewed=_hidden(page, "reviewed"))
    assert signed_in.post(url, sent).status_code == 302
    assert Operation.objects.get(kind="edit").payload["name"] == "New <name>"


def test_only_what_was_reviewed_is_sent(
    signed_in: Client, url: str, fields: Callable[..., dict[str, str]]
) -> None:
    page = signed_in.post(url, fields(name="One")).content.decode()
    again = signed_in.post(url, fields(name="Two", reviewed=_hidden(page, "reviewed")))
    assert again.status_code == 200
    assert b"<bdi>Two</bdi>" in again.content
    assert not Operation.objects.filter(kind="edit").exists()


def test_the_second_is_told_what_the_first_changed_and_loses_nothing(
    active: Instance,
    signed_in: Client,
    url: str,
    fields: Callable[..., dict[str, str]],
    member: Callable[..., User],
) -> None:
    rename_by(member(Role.ADMIN, "ada"), active, "Renamed by Ada")
    answer = signed_in.post(url, fields(tags="billing, mine", reviewed="anything"))
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "<bdi>ada</bdi> asked for a change" in page
    assert "Renamed by Ada" in page
    assert 'value="billing, mine"' in page
    assert Operation.objects.filter(kind="edit").count() == 1
    sent = fields(name="Renamed by Ada", tags="billing, mine", seen=_hidden(page, "seen"))
    assert signed_in.post(url, sent | {"reviewed": _hidden(page, "reviewed")}).status_code == 302
    assert Operation.objects.latest("pk").payload["tags_added"] == ["mine"]


def test_whoever_is_second_while_the_first_is_under_way_keeps_the_form(
    active: Instance,
    signed_in: Client,
    url: str,
    fields: Callable[..., dict[str, str]],
    member: Callable[..., User],
) -> None:
    sent = fields(name="Mine")
    sent["reviewed"] = _hidden(signed_in.post(url, sent).content.decode(), "reviewed")
    seen = Edition.of(active)
    ada = member(Role.ADMIN, "ada")
    wanted = Edition(seen.name, ("ada",), seen.values)
    request_instance_edit(requester=ada, instance=active, seen=seen, wanted=wanted)
    answer = signed_in.post(url, sent)
    assert answer.status_code == 422
    assert "asked for by ada” is under way" in answer.content.decode()
    assert b'value="Mine"' in answer.content


def test_nothing_changed_is_said(
    signed_in: Client, url: str, fields: Callable[..., dict[str, str]]
) -> None:
    assert b"Nothing is changed yet" in signed_in.post(url, fields()).content


def test_a_mask_is_refused_by_its_entry(
    signed_in: Client, url: str, fields: Callable[..., dict[str, str]]
) -> None:
    answer = signed_in.post(url, fields(**{CALLBACK: "https://********@example.com"}))
    assert answer.status_code == 422
    assert b"The asterisks stand for something hidden" in answer.content


def test_events_need_a_callback(
    signed_in: Client, url: str, fields: Callable[..., dict[str, str]]
) -> None:
    answer = signed_in.post(url, fields(**{"entry.event.notification.enabled": "on"}))
    assert b"Callback URL is missing" in answer.content


def test_a_damaged_form_changes_nothing(
    signed_in: Client, url: str, fields: Callable[..., dict[str, str]]
) -> None:
    answer = signed_in.post(url, fields(name="New", seen="forged"))
    assert answer.status_code == 422
    assert b"damaged" in answer.content


def test_credentials_are_not_offered(signed_in: Client, url: str) -> None:
    page = signed_in.get(url).content.decode()
    assert 'name="entry.username"' not in page
    assert 'name="entry.password"' not in page
    assert 'name="entry.base.url"' not in page
    assert CALLBACK in page

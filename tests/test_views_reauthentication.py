"""The page on which an instance gets new credentials: what is left empty is kept."""

import pytest
from django.test import Client
from django.urls import reverse

from instances.models import Instance, Operation, OperationSecret, OperationState

pytestmark = pytest.mark.django_db

BASIC = {"entry.zuorav2.sandbox": "on", "entry.authentication.type": "basic"}
KEPT = BASIC | {"entry.username": "somebody@example.com"}


@pytest.fixture
def url(active: Instance) -> str:
    Operation.objects.update(finished_at=active.created_at)
    return reverse("instances:reauthenticate", args=[active.pk])


def asked() -> list[str]:
    """Return the keys that are sent."""
    keys: list[str] = Operation.objects.get(kind="reauthenticate").payload["configuration_keys"]
    return keys


def test_a_secret_says_since_when_it_is_kept(active: Instance, signed_in: Client, url: str) -> None:
    page = signed_in.get(url).content.decode()
    assert f"Kept since {active.created_at:%-d %B %Y, %H:%M} UTC. Empty: it stays" in page
    assert "Not set so far" in page


def test_only_what_is_typed_is_sent(signed_in: Client, url: str) -> None:
    answer = signed_in.post(url, KEPT | {"entry.password": "new-password"})
    assert answer.status_code == 302
    assert asked() == ["password"]
    assert "new-password" not in OperationSecret.objects.latest("expires_at").sealed


def test_nothing_typed_keeps_everything(signed_in: Client, url: str) -> None:
    answer = signed_in.post(url, KEPT)
    assert b"Nothing is typed, so everything is kept" in answer.content
    assert not Operation.objects.filter(kind="reauthenticate").exists()


def test_production_needs_its_own_credentials(signed_in: Client, url: str) -> None:
    changed = {key: value for key, value in KEPT.items() if key != "entry.zuorav2.sandbox"}
    answer = signed_in.post(url, changed)
    assert b"Password (password) is missing" in answer.content
    assert signed_in.post(url, changed | {"entry.password": "new"}).status_code == 302
    assert sorted(asked()) == ["password", "username", "zuorav2.sandbox"]


def test_the_other_way_in_needs_all_of_it_and_sends_nothing_else(
    signed_in: Client, url: str
) -> None:
    changed = KEPT | {"entry.authentication.type": "custom", "entry.clientId": "new-client"}
    answer = signed_in.post(url, changed)
    assert b"Client secret (clientSecret) is missing" in answer.content
    assert signed_in.post(url, changed | {"entry.clientSecret": "new"}).status_code == 302
    assert sorted(asked()) == ["authentication.type", "clientId", "clientSecret"]


@pytest.mark.parametrize("typed", ["********", " new-password"])
def test_slips_are_named_and_never_shown_again(signed_in: Client, url: str, typed: str) -> None:
    answer = signed_in.post(url, KEPT | {"entry.password": typed})
    assert answer.status_code == 422
    assert b"new-password" not in answer.content


def test_another_element_offers_what_it_has(active: Instance, signed_in: Client, url: str) -> None:
    configuration = {"api.key": "********", "username": "somebody", "region": "eu"}
    Instance.objects.update(element_key="crm", configuration=configuration)
    page = signed_in.get(url).content.decode()
    assert 'name="entry.api.key"' in page
    assert 'value="somebody"' in page
    assert 'name="entry.region"' not in page
    signed_in.post(url, {"entry.username": "somebody", "entry.api.key": "new"})
    assert asked() == ["api.key"]


def test_an_element_without_credentials_says_so(signed_in: Client, url: str) -> None:
    Instance.objects.update(element_key="feeds", configuration={"feeds.url": "https://a.example"})
    page = signed_in.get(url).content.decode()
    assert "shows no credentials" in page


def test_a_refusal_says_whose_job_it_is(active: Instance, signed_in: Client, url: str) -> None:
    signed_in.post(url, KEPT | {"entry.password": "new"})
    Operation.objects.filter(kind="reauthenticate").update(
        state=OperationState.REJECTED,
        problem="provider",
        message="Whoever keeps the account at the provider can tell what is right.",
        finished_at=active.created_at,
    )
    page = signed_in.get(active.get_absolute_url()).content.decode()
    assert "Not changed: re-authenticate" in page
    assert "Whoever keeps the account at the provider" in page

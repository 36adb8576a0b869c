"""Configuration and events are compared where the platform's list tells them."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from instances.models import (
    Environment,
    Instance,
    ListedInstance,
    Standing,
)
from sandbox.running import Account
from tests.cases import synchronize, work

pytestmark = pytest.mark.django_db(transaction=True)


ENTRY = "event.notification.callback.url"


@pytest.fixture
def told(ask: Callable[..., Instance], account: Account) -> Instance:
    """An instance on a platform whose light list tells configuration and events."""
    account.set(light_list_is_full=True)
    instance = ask()
    work()
    instance.refresh_from_db()
    instance.configuration |= {ENTRY: "https://ours.example", "event.notification.enabled": "false"}
    instance.has_events = False
    instance.save()
    account.change_instance(
        instance.remote_id or 0,
        configuration={**account.only_instance()["configuration"], **instance.configuration}
        | {"password": "a new one there", ENTRY: "https://ours.example"},
    )
    synchronize()
    assert ListedInstance.objects.get().standing == Standing.MATCHES
    return instance


def decide(client: Client, instance: Instance, choice: str) -> None:
    digest = ListedInstance.objects.get().digest
    address = reverse("instances:instance_drift", args=[instance.pk])
    client.post(address, {"choice": choice, "digest": digest})


def change(account: Account, **entries: str) -> None:
    one = account.only_instance()
    account.change_instance(one["id"], configuration=one["configuration"] | entries)


def test_a_list_that_tells_configuration_and_events_is_compared(
    signed_in: Client, told: Instance, account: Account
) -> None:
    change(account, **{ENTRY: "https://theirs.example", "event.notification.enabled": "true"})
    change(account, password="another one", username="somebody else")
    synchronize()
    line = ListedInstance.objects.get()
    assert line.differences == ["events", "configuration", "sign-in"]
    assert line.entries == {
        ENTRY: "https://theirs.example",
        "event.notification.enabled": "true",
        "username": "somebody else",
    }
    page = signed_in.get(reverse("instances:instance_drift", args=[told.pk])).content.decode()
    assert "https://theirs.example" in page
    assert "https://ours.example" in page


def test_what_differs_in_configuration_is_accepted(
    signed_in: Client, told: Instance, account: Account
) -> None:
    change(account, **{ENTRY: "https://theirs.example", "event.notification.enabled": "true"})
    synchronize()
    decide(signed_in, told, "accept")
    told.refresh_from_db()
    assert (told.configuration[ENTRY], told.has_events) == ("https://theirs.example", True)
    synchronize()
    assert ListedInstance.objects.get().standing == Standing.MATCHES


def test_what_differs_in_configuration_is_pushed(
    signed_in: Client, told: Instance, account: Account
) -> None:
    change(account, **{ENTRY: "https://theirs.example", "event.notification.enabled": "true"})
    synchronize()
    decide(signed_in, told, "push")
    work(2)
    there = account.only_instance()["configuration"]
    assert (there[ENTRY], there["event.notification.enabled"]) == ("https://ours.example", "false")
    synchronize()
    assert ListedInstance.objects.get().standing == Standing.MATCHES


def test_a_refused_push_leaves_our_configuration(
    signed_in: Client, told: Instance, account: Account
) -> None:
    change(account, **{ENTRY: "https://theirs.example"})
    synchronize()
    account.fault("status", status=400, method="PATCH", times=None)
    decide(signed_in, told, "push")
    work(2)
    told.refresh_from_db()
    assert told.configuration[ENTRY] == "https://ours.example"
    assert ListedInstance.objects.get().standing == Standing.CHANGED


def test_what_it_signs_in_with_can_only_be_accepted(
    signed_in: Client, told: Instance, account: Account
) -> None:
    change(account, username="somebody else", **{"zuorav2.sandbox": "false"})
    account.change_instance(told.remote_id or 0, name="Renamed there")
    synchronize()
    page = signed_in.get(reverse("instances:instance_drift", args=[told.pk])).content.decode()
    assert "somebody else" in page
    assert "What it signs in with cannot be pushed" in page
    assert "Push ours" not in page
    decide(signed_in, told, "push")
    assert told.operations.count() == 1
    decide(signed_in, told, "accept")
    told.refresh_from_db()
    assert told.configuration["username"] == "somebody else"
    assert (told.name, told.environment) == ("Renamed there", Environment.PRODUCTION)
    synchronize()
    assert ListedInstance.objects.get().standing == Standing.MATCHES


def test_a_secret_that_differs_is_never_shown(
    signed_in: Client, told: Instance, account: Account
) -> None:
    change(account, password="another one", **{"oauth.user.refresh_time": "1"})
    synchronize()
    line = ListedInstance.objects.get()
    assert (line.standing, line.entries) == (Standing.MATCHES, {})
    page = signed_in.get(reverse("instances:instance_drift", args=[told.pk])).content.decode()
    assert "Never compared are passwords" in page

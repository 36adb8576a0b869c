"""The name that a copy or a twin is offered is one that nobody in the organization has."""

import uuid
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from instances.forms.cloning import name_of_copy
from instances.forms.rotation import name_of_twin
from instances.models import Instance, InstanceStatus, OperationState, Organization
from tests.states import put_in_state

pytestmark = pytest.mark.django_db

Ask = Callable[..., Instance]
COPY = "Billing sandbox (copy)"


def offered(browser: Client, source: Instance) -> str:
    page = browser.get(f"{reverse('instances:new')}?from={source.pk}")
    return str(page.context["form"]["name"].value())


def twin_offered(browser: Client, old: Instance) -> str:
    page = browser.get(reverse("instances:rotate", args=[old.pk]))
    return str(page.context["form"]["name"].value())


def today() -> str:
    return f"{timezone.now():%Y-%m-%d}"


def test_copy_is_numbered_past_those_that_are_there(
    signed_in: Client, active: Instance, ask: Ask
) -> None:
    assert offered(signed_in, active) == COPY
    for name in (COPY, "Billing sandbox (copy 2)", "Billing sandbox (copy 4)"):
        ask(name=name)
    assert offered(signed_in, active) == "Billing sandbox (copy 3)"


def test_copy_of_a_copy_goes_on_counting(signed_in: Client, active: Instance, ask: Ask) -> None:
    copy = ask(name=COPY)
    put_in_state(copy, OperationState.SUCCEEDED)
    ask(name="Billing sandbox (copy 2)")
    assert offered(signed_in, copy) == "Billing sandbox (copy 3)"


@pytest.mark.parametrize(
    "status", [InstanceStatus.DELETED, InstanceStatus.REJECTED, InstanceStatus.CANCELED]
)
def test_name_of_what_is_not_there_any_more_is_free(
    signed_in: Client, active: Instance, ask: Ask, status: InstanceStatus
) -> None:
    gone = ask(name=COPY)
    Instance.objects.filter(pk=gone.pk).update(status=status)
    assert offered(signed_in, active) == COPY


def test_another_organization_takes_no_name(signed_in: Client, active: Instance, ask: Ask) -> None:
    elsewhere = Organization.objects.get(pk=active.organization_id)
    elsewhere.pk, elsewhere.name = uuid.uuid4(), "Elsewhere"
    elsewhere.save(force_insert=True)
    there = ask(name=COPY)
    Instance.objects.filter(pk=there.pk).update(organization=elsewhere)
    assert offered(signed_in, active) == COPY


def test_long_name_is_cut_and_numbered(signed_in: Client, active: Instance, ask: Ask) -> None:
    Instance.objects.filter(pk=active.pk).update(name="x" * 255)
    ask(name="x" * 248 + " (copy)")
    assert offered(signed_in, active) == "x" * 246 + " (copy 2)"


def test_twin_is_numbered_within_a_day(signed_in: Client, active: Instance, ask: Ask) -> None:
    assert twin_offered(signed_in, active) == f"Billing sandbox ({today()})"
    ask(name=f"Billing sandbox ({today()})")
    assert twin_offered(signed_in, active) == f"Billing sandbox ({today()}, 2)"


@pytest.mark.parametrize("before", ["2020-01-31", "2020-01-31, 3"])
def test_twin_takes_the_place_of_an_earlier_day(before: str) -> None:
    assert name_of_twin(f"Billing ({before})") == f"Billing ({today()})"


def test_taken_names_are_told_apart_exactly() -> None:
    assert name_of_copy("Billing", {"billing (copy)"}) == "Billing (copy)"
    assert name_of_copy("Billing", {"Billing (copy)"}) == "Billing (copy 2)"

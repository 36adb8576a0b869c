"""Asking for an instance, and the preview of the request."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from instances import vault
from instances.forms.cloning import name_of_copy
from instances.models import (
    Instance,
    Membership,
    Operation,
    OperationState,
    Organization,
    Role,
)
from instances.vault import Purpose
from tests.states import put_in_state

NEW = "/instances/new/"
Typed = dict[str, Any]


@pytest.fixture
def typed(organization: Organization) -> Typed:
    """What a browser sends."""
    return {
        "organization": str(organization.pk),
        "name": "Test @home",
        "is_sandbox": "on",
        "authentication_type": "basic",
        "username": "somebody",
        "password": "planted-password",
        "tags": "billing",
        "client_request_id": str(uuid.uuid4()),
    }


def test_form_leads_to_the_progress_of_the_wish(signed_in: Client, typed: Typed) -> None:
    response = signed_in.post(NEW, typed, follow=True)
    instance = Instance.objects.get()
    assert response.redirect_chain == [(instance.get_absolute_url(), 302)]
    said = [str(message) for message in response.context["messages"]]
    assert said == ["Provisioning has started."]


def test_name_goes_out_as_typed(signed_in: Client, typed: Typed) -> None:
    signed_in.post(NEW, typed)
    assert Operation.objects.get().payload["name"] == "Test @home"


def test_credentials_are_sealed_and_in_no_page(signed_in: Client, typed: Typed) -> None:
    page = signed_in.post(NEW, typed, follow=True).content.decode()
    held = Operation.objects.get().secret
    assert "planted" not in page + held.sealed
    opened = vault.open_sealed(held, "sealed", purpose=Purpose.CHECK).reveal()
    assert "planted-password" in opened


def test_form_sent_twice_asks_once(signed_in: Client, typed: Typed) -> None:
    first = signed_in.post(NEW, typed).headers["Location"]
    assert signed_in.post(NEW, typed).headers["Location"] == first
    assert Operation.objects.count() == 1


def test_form_sent_again_after_the_end_does_not_claim_to_start(
    signed_in: Client, typed: Typed
) -> None:
    signed_in.post(NEW, typed)
    put_in_state(Instance.objects.get(), OperationState.REJECTED)
    response = signed_in.post(NEW, typed, follow=True)
    said = [str(message) for message in response.context["messages"]]
    assert said[-1].startswith("This form had been sent before. Nothing new was started")
    assert Operation.objects.count() == 1


def test_a_corrected_form_sent_again_starts_nothing_and_can_be_sent_once_more(
    signed_in: Client, typed: Typed
) -> None:
    signed_in.post(NEW, typed)
    response = signed_in.post(NEW, typed | {"password": "corrected"})
    assert response.status_code == 422
    assert "had been sent before with other content" in response.content.decode()
    assert "corrected" not in response.content.decode()
    assert Operation.objects.count() == 1
    fresh = response.context["form"]["client_request_id"].value()
    changes = {"client_request_id": fresh, "password": "corrected"}
    assert signed_in.post(NEW, typed | changes).status_code == 302
    assert Operation.objects.count() == 2


def test_errors_stand_in_the_summary_and_at_their_fields(signed_in: Client, typed: Typed) -> None:
    response = signed_in.post(NEW, typed | {"username": "", "password": ""})
    page = response.content.decode()
    assert response.status_code == 422
    for words in ("User name (username) is missing.", "Password (password) is missing."):
        assert page.count(words) == 2
    assert "Test @home" in page


def test_rejected_form_shows_no_secret(signed_in: Client, typed: Typed) -> None:
    page = signed_in.post(NEW, typed | {"name": ""}).content.decode()
    assert "planted" not in page
    assert typed["client_request_id"] in page


def test_viewer_has_nowhere_to_create(client: Client, member: Callable[..., User]) -> None:
    client.force_login(member(Role.VIEWER))
    assert "No organization to create it in" in client.get(NEW).content.decode()


def test_edit_and_try_again_takes_over_all_but_credentials(
    signed_in: Client, ask: Callable[..., Instance]
) -> None:
    instance = ask(name="Wrong password")
    put_in_state(instance, OperationState.REJECTED)
    form = signed_in.get(f"{NEW}?from={instance.pk}").context["form"]
    assert form["name"].value() == "Wrong password"
    assert form["tags"].value() == "billing"
    assert not form["username"].value()


def test_another_like_it_has_its_settings_and_a_name_of_its_own(
    signed_in: Client, active: Instance
) -> None:
    active.configuration |= {
        "event.notification.enabled": "true",
        "event.notification.callback.url": "https://hooks.example/zuora",
        "filter.response.nulls": "false",
    }
    active.save()
    active.replace_tags(["billing", "ced-abcdefgh-abcdefghijklmnopqrstuvwxyz-abcdefgh"])
    response = signed_in.get(f"{NEW}?from={active.pk}")
    form = response.context["form"]
    names = ("name", "tags", "has_events", "callback_url", "filter_nulls")
    expected = ["Billing sandbox (copy)", "billing", True, "https://hooks.example/zuora", "false"]
    assert [form[name].value() for name in names] == expected
    assert "Its credentials are not copied" in response.content.decode()


def test_no_mask_and_no_credential_begins_another_form(signed_in: Client, active: Instance) -> None:
    key = "event.notification.callback.url"
    active.configuration |= {key: "https://hooks.example/?token=********", "clientId": "********"}
    active.save()
    page = signed_in.get(f"{NEW}?from={active.pk}").content.decode()
    assert "****" not in page
    assert "somebody@example.com" not in page


def test_what_was_not_made_here_tells_by_its_entries_how_it_authenticates(
    signed_in: Client, active: Instance
) -> None:
    operation = active.operations.get()
    operation.payload.pop("configuration_keys")
    operation.save()
    active.configuration |= {"clientId": "a-client"}
    active.save()
    form = signed_in.get(f"{NEW}?from={active.pk}").context["form"]
    assert form["authentication_type"].value() == "custom"


@pytest.mark.parametrize(
    ("name", "copy"),
    [
        ("Billing", "Billing (copy)"),
        ("Billing (copy)", "Billing (copy 2)"),
        ("Billing (copy 9)", "Billing (copy 10)"),
        ("x" * 255, "x" * 248 + " (copy)"),
    ],
)
def test_a_copy_has_a_name_that_fits_and_counts(name: str, copy: str) -> None:
    assert name_of_copy(name) == copy


@pytest.mark.parametrize("source", ["", "nonsense", str(uuid.uuid4())])
def test_prefill_from_what_cannot_be_seen(signed_in: Client, source: str) -> None:
    expected = 404 if len(source) == 36 else 200
    assert signed_in.get(f"{NEW}?from={source}").status_code == expected


def test_preview_is_a_fragment_without_secrets(signed_in: Client, typed: Typed) -> None:
    headers = {"HX-Request": "true"}
    page = signed_in.post(f"{NEW}preview/", typed, headers=headers).content.decode()
    assert page.strip().startswith('<div id="preview"')
    assert "somebody" in page
    assert "planted" not in page


def test_preview_asks_the_browser_to_keep_secrets_back(signed_in: Client) -> None:
    page = signed_in.get(NEW).content.decode()
    assert 'hx-params="not password,client_secret,signature_key"' in page


def test_preview_without_script_keeps_production_chosen(signed_in: Client, typed: Typed) -> None:
    del typed["is_sandbox"]
    response = signed_in.post(f"{NEW}preview/", typed)
    assert response.context["form"]["is_sandbox"].value() is False
    assert '"zuorav2.sandbox": false' in response.context["preview"].body


def test_preview_without_script_keeps_the_form(signed_in: Client, typed: Typed) -> None:
    page = signed_in.post(f"{NEW}preview/", typed).content.decode()
    assert 'value="Test @home"' in page
    assert "is missing" not in page
    assert "planted" not in page


def test_the_only_organization_is_chosen_already(
    signed_in: Client, organization: Organization
) -> None:
    page = signed_in.get(reverse("instances:new")).content.decode()
    assert f'<option value="{organization.pk}" selected>' in page


def test_an_address_can_name_the_organization(
    signed_in: Client, organization: Organization, operator: User
) -> None:
    other = Organization.objects.get(pk=organization.pk)
    other.pk, other.name = uuid.uuid4(), "Other"
    other.save(force_insert=True)
    Membership.objects.create(organization=other, user=operator, role=Role.OPERATOR)
    assert " selected>" not in _organizations(signed_in, reverse("instances:new"))
    named = f"{reverse('instances:new')}?organization={other.pk}"
    assert f'<option value="{other.pk}" selected>' in _organizations(signed_in, named)


def _organizations(browser: Client, address: str) -> str:
    page = browser.get(address).content.decode()
    found = page.partition('name="organization"')[2].partition("</select>")[0]
    return found.replace('<option value="" selected>', "")

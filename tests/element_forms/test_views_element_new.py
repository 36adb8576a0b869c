"""The form of an element that asks for consent."""

import uuid

import pytest
from django.test import Client
from pytest_django import Settings

from instances.forms import ElementForm
from instances.models import Consent, Element, Environment, Instance, Operation, Organization
from sandbox.running import Account
from tests.ceremonies import ADDRESS, offer
from tests.element_forms.typed import Typed, form_of, sent

pytestmark = pytest.mark.django_db


def test_form_leads_to_the_instance_page(signed_in: Client, sfdc: Element, typed: Typed) -> None:
    answer = signed_in.post(form_of(sfdc), typed)
    instance = Instance.objects.get()
    assert answer.headers["Location"] == instance.get_absolute_url()
    assert (instance.environment, instance.tag_names) == (Environment.SANDBOX, ["sales", "emea"])
    assert Consent.objects.get().protocol == "oauth2"
    assert sent() == {
        "oauth.api.key": "client-of-ours",
        "oauth.api.secret": "its-long-secret",
        "oauth.callback.url": f"{ADDRESS}/oauth/callback/",
    }


def test_instance_page_says_that_the_way_is_asked_for(
    signed_in: Client, sfdc: Element, typed: Typed
) -> None:
    page = signed_in.post(form_of(sfdc), typed, follow=True).content.decode()
    assert "Asking for the way to the provider" in page
    assert "its-long-secret" not in page


def test_form_shows_the_callback_and_asks_for_none(signed_in: Client, sfdc: Element) -> None:
    page = signed_in.get(form_of(sfdc)).content.decode()
    assert f"{ADDRESS}/oauth/callback/" in page
    assert "entry.oauth.callback.url" not in page
    assert "Continue at <bdi>sfdc</bdi>" in page


def test_refresh_token_is_sent_and_never_shown(
    signed_in: Client, sfdc: Element, typed: Typed
) -> None:
    signed_in.post(form_of(sfdc), typed | {"refresh_token": "refresh-me-please"})
    assert sent()["oauth.user.refresh_token"] == "refresh-me-please"
    assert Operation.objects.get().payload["external_authentication"] == "initial"
    assert not Consent.objects.exists()
    refused = signed_in.post(form_of(sfdc), {"refresh_token": "refresh-me-please"})
    assert "refresh-me-please" not in refused.content.decode()


def test_each_missing_entry_is_named(signed_in: Client, sfdc: Element) -> None:
    answer = signed_in.post(form_of(sfdc), {"client_request_id": str(uuid.uuid4())})
    page = answer.content.decode()
    assert answer.status_code == 422
    for words in ("Name (name)", "API Key (oauth.api.key)", "API Secret (oauth.api.secret)"):
        assert f"{words} is missing." in page
    assert not Operation.objects.exists()


def test_only_the_chosen_way_is_asked_for_and_sent(
    signed_in: Client, mailings: Element, typed: Typed
) -> None:
    chosen = {"entry.authentication.type": "apiKey", "entry.mailings.key": "k-12345678"}
    signed_in.post(form_of(mailings), typed | chosen)
    assert {"authentication.type", "mailings.key"} <= sent().keys()
    assert "oauth.api.key" not in sent()
    assert not Consent.objects.exists()


def test_refresh_token_is_for_oauth_only(mailings: Element, typed: Typed) -> None:
    chosen = {"entry.authentication.type": "apiKey", "entry.mailings.key": "k-12345678"}
    form = ElementForm(typed | chosen | {"refresh_token": "r"}, element=mailings)
    assert list(form.errors) == ["refresh_token"]


def test_mask_is_no_value(sfdc: Element, typed: Typed) -> None:
    form = ElementForm(typed | {"entry.oauth.api.secret": "********"}, element=sfdc)
    assert list(form.errors) == ["entry.oauth.api.secret"]


def test_form_sent_twice_asks_once(signed_in: Client, sfdc: Element, typed: Typed) -> None:
    first = signed_in.post(form_of(sfdc), typed).headers["Location"]
    assert signed_in.post(form_of(sfdc), typed).headers["Location"] == first
    other = signed_in.post(form_of(sfdc), typed | {"name": "Other"})
    assert (other.status_code, Operation.objects.count()) == (422, 1)


def test_without_an_address_of_our_own_the_form_says_so(
    signed_in: Client, sfdc: Element, typed: Typed, settings: Settings
) -> None:
    settings.OAUTH = {**settings.OAUTH, "ADDRESS": ""}
    answer = signed_in.post(form_of(sfdc), typed)
    assert answer.status_code == 422
    assert "ELEMENTDESK_ADDRESS" in answer.content.decode()


def test_element_that_nobody_has_seen_has_a_form(
    account: Account, organization: Organization, signed_in: Client, typed: Typed
) -> None:
    """Texts of strangers are text, a long text is one, and a choice has its options."""
    entries = [
        {"key": "odd.note", "name": "<b>Note</b>", "type": "TEXTAREA", "required": True},
        {"key": "odd.region", "name": "Region", "type": "COMBO"}
        | {"options": [{"value": "eu", "description": "Europe"}]},
        {"key": "odd.live", "name": "Live", "type": "BOOLEAN"},
    ]
    account.add_element(
        key="odd",
        name="Odd",
        hub="crm",
        authentication={"type": "oauth2"},
        configuration=entries,
    )
    element = offer(organization, "odd", "oauth2")
    page = signed_in.get(form_of(element)).content.decode()
    assert "<b>Note</b>" not in page
    assert "<textarea" in page
    signed_in.post(form_of(element), typed | {"entry.odd.note": "n", "entry.odd.region": "eu"})
    assert (sent()["odd.note"], sent()["odd.region"]) == ("n", "eu")
    assert "odd.live" not in sent()

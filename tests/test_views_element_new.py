"""The form of any element: what it asks for, what it sends, and what it never shows."""

import html
import json
import uuid
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from instances import vault
from instances.forms import ElementForm
from instances.models import Consent, Element, Environment, Instance, Operation, Organization, Role
from instances.vault import Purpose
from sandbox.running import Account
from tests.cases import work
from tests.ceremonies import ADDRESS, offer

pytestmark = pytest.mark.django_db

Typed = dict[str, str]


@pytest.fixture(autouse=True)
def known_address(settings: Settings) -> None:
    settings.OAUTH = {"ADDRESS": ADDRESS, "CONSENT_SECONDS": 1800.0}


@pytest.fixture
def sfdc(organization: Organization) -> Element:
    return offer(organization, "sfdc", "oauth2")


@pytest.fixture
def mailings(organization: Organization) -> Element:
    return offer(organization, "mailings", "oauth2")


@pytest.fixture
def typed() -> Typed:
    """What a browser sends."""
    return {
        "name": "Sales",
        "environment": "sandbox",
        "tags": "sales, emea",
        "entry.oauth.api.key": "client-of-ours",
        "entry.oauth.api.secret": "its-long-secret",
        "client_request_id": str(uuid.uuid4()),
    }


def form_of(element: Element) -> str:
    return reverse("instances:element_new", args=[element.organization_id, element.element_key])


def sent() -> dict[str, str]:
    """Return the entries that the worker will send."""
    held = Operation.objects.get().secret
    entries = json.loads(vault.open_sealed(held, "sealed", purpose=Purpose.CHECK).reveal())
    assert isinstance(entries, dict)
    return entries


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


@pytest.mark.parametrize(("role", "status"), [(Role.VIEWER, 404), (Role.OPERATOR, 200)])
def test_form_is_for_those_who_may_create(
    sfdc: Element, member: Callable[..., User], role: Role, status: int
) -> None:
    browser = Client()
    browser.force_login(member(role))
    assert browser.get(form_of(sfdc)).status_code == status
    page = browser.get(sfdc.get_absolute_url()).content.decode()
    assert (form_of(sfdc) in page) == (status == 200)


@pytest.fixture
def ledgers(organization: Organization) -> Element:
    """An element with every type of entry."""
    return offer(organization, "ledgers", "custom")


@pytest.fixture
def booked(typed: Typed) -> Typed:
    """What a browser sends for it, with all that it requires."""
    plain = {name: text for name, text in typed.items() if not name.startswith("entry.")}
    return plain | {
        "entry.ledgers.code": "EU-7",
        "entry.ledgers.pass.phrase": "open sesame 42",
        "entry.ledgers.certificate": "-----BEGIN-----\r\nabc\r\n-----END-----\r\n",
        "entry.ledgers.currency": "EUR",
        "entry.ledgers.readonly": "true",
    }


def test_what_is_asked_for_is_sent_as_typed(
    signed_in: Client, ledgers: Element, booked: Typed
) -> None:
    signed_in.post(form_of(ledgers), booked)
    assert sent() == {
        "ledgers.code": "EU-7",
        "ledgers.pass.phrase": "open sesame 42",
        "ledgers.certificate": "-----BEGIN-----\nabc\n-----END-----\n",
        "ledgers.currency": "EUR",
        "ledgers.readonly": "true",
    }


def test_nothing_typed_is_lost_but_secrets(
    signed_in: Client, ledgers: Element, booked: Typed
) -> None:
    del booked["entry.ledgers.currency"]
    answer = signed_in.post(form_of(ledgers), booked)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Currency (ledgers.currency) is missing." in page
    assert 'value="EU-7"' in page
    for secret in ("open sesame 42", "BEGIN"):
        assert secret not in page


def test_length_of_the_type_is_told_beside_the_field(ledgers: Element, booked: Typed) -> None:
    form = ElementForm(booked | {"entry.ledgers.code": "x" * 33}, element=ledgers)
    assert "at most 32 characters" in form.errors["entry.ledgers.code"][0]


def test_preview_follows_the_form_without_secrets(
    signed_in: Client, ledgers: Element, booked: Typed
) -> None:
    answer = signed_in.post(f"{form_of(ledgers)}preview/", booked)
    page = html.unescape(answer.content.decode())
    assert '"ledgers.code": "EU-7"' in page
    assert '"ledgers.pass.phrase": "<INSERT_LEDGERS_PASS_PHRASE>"' in page
    assert "ledgers.color" not in page
    assert "sesame" not in page
    assert not Operation.objects.exists()


def test_secret_fields_stay_in_the_browser(signed_in: Client, ledgers: Element) -> None:
    page = signed_in.get(form_of(ledgers)).content.decode()
    assert 'hx-params="not entry.ledgers.pass.phrase,entry.ledgers.certificate"' in page


def test_zuora_has_its_own_form(signed_in: Client, organization: Organization) -> None:
    element = offer(organization, "zuorav2", "basic")
    there = signed_in.get(form_of(element)).headers["Location"]
    assert there == f"{reverse('instances:new')}?organization={organization.pk}"


@pytest.mark.parametrize(("of", "change"), [(Element, "settings"), (Organization, "is_active")])
def test_what_cannot_be_made_now_has_no_form(
    signed_in: Client, ledgers: Element, of: type[Model], change: str
) -> None:
    of._default_manager.update(**{change: None if of is Element else False})
    assert signed_in.get(form_of(ledgers)).status_code == 404


def test_elements_to_choose_from(
    signed_in: Client, ledgers: Element, sfdc: Element, mailings: Element
) -> None:
    Element.objects.filter(pk=mailings.pk).update(is_active=False)
    page = signed_in.get(reverse("instances:element_choose")).content.decode()
    assert form_of(ledgers) in page
    assert form_of(sfdc) in page
    assert form_of(mailings) not in page
    found = signed_in.get(reverse("instances:element_choose"), {"q": "LEDG"}).content.decode()
    assert form_of(ledgers) in found
    assert form_of(sfdc) not in found


def test_nobody_chooses_from_what_is_not_theirs(
    ledgers: Element, member: Callable[..., User]
) -> None:
    browser = Client()
    browser.force_login(member(Role.VIEWER))
    chosen = {"organization": str(ledgers.organization_id)}
    page = browser.get(reverse("instances:element_choose"), chosen).content.decode()
    assert form_of(ledgers) not in page
    assert "No organization to create it in" in page


@pytest.mark.django_db(transaction=True)
def test_new_like_this_takes_over_what_is_no_secret(
    signed_in: Client, ledgers: Element, booked: Typed
) -> None:
    signed_in.post(form_of(ledgers), booked)
    work()
    there = signed_in.get(
        f"{reverse('instances:new')}?from={Instance.objects.get().pk}", follow=True
    )
    page = there.content.decode()
    assert there.redirect_chain[-1][0].startswith(form_of(ledgers))
    assert 'value="EU-7"' in page
    assert "Sales (copy)" in page
    assert "sesame" not in page
    assert "********" not in page


def test_new_like_one_of_an_unknown_element_says_why(
    signed_in: Client, ledgers: Element, booked: Typed
) -> None:
    signed_in.post(form_of(ledgers), booked)
    Element.objects.all().delete()
    there = signed_in.get(
        f"{reverse('instances:new')}?from={Instance.objects.get().pk}", follow=True
    )
    assert "What ledgers asks for is not known here" in there.content.decode()

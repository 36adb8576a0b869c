"""The form of any element, who has it, and what it takes over."""

import html
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from instances.forms import ElementForm
from instances.models import Element, Instance, Operation, Organization, Role
from tests.cases import work
from tests.ceremonies import offer
from tests.element_forms.typed import Typed, form_of, sent

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("role", "status"), [(Role.VIEWER, 404), (Role.OPERATOR, 200)])
def test_form_is_for_those_who_may_create(
    sfdc: Element, member: Callable[..., User], role: Role, status: int
) -> None:
    browser = Client()
    browser.force_login(member(role))
    assert browser.get(form_of(sfdc)).status_code == status
    page = browser.get(sfdc.get_absolute_url()).content.decode()
    assert (form_of(sfdc) in page) == (status == 200)


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

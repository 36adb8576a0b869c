"""Spaces around a secret are asked about; nothing is taken away or sent by itself."""

import pytest
from django import forms
from django.template.loader import render_to_string

from instances.forms.secrets import SecretField
from instances.forms.spaces import TrimmedField, trimmed

TYPED = " planted secret\t"


class OneSecret(forms.Form):
    secret = SecretField(label="Password")


def sent(**data: str) -> OneSecret:
    return OneSecret(data)


def shown(form: OneSecret) -> str:
    return render_to_string("includes/field.html", {"field": form["secret"]})


@pytest.mark.parametrize(
    ("answer", "kept"), [("strip", "planted secret"), ("keep", " planted secret\t")]
)
def test_answer_is_obeyed(answer: str, kept: str) -> None:
    form = sent(secret=TYPED, **{"secret.spaces": answer})
    assert form.is_valid(), form.errors
    assert form.cleaned_data["secret"] == kept


@pytest.mark.parametrize("answer", ["", "other"])
def test_without_an_answer_it_is_asked(answer: str) -> None:
    form = sent(secret=TYPED, **{"secret.spaces": answer})
    assert "say whether the space belongs to it" in form.errors["secret"][0]
    page = shown(form)
    assert "planted" not in page
    assert " hidden>" not in page
    assert page.count('name="secret.spaces"') == 2


@pytest.mark.parametrize("typed", ["planted secret", ""])
def test_without_spaces_around_it_nothing_is_asked(typed: str) -> None:
    assert " hidden>" in shown(sent(secret=typed))
    assert sent(secret="planted secret", **{"secret.spaces": ""}).is_valid()


def test_answer_is_still_there_when_the_page_comes_back() -> None:
    page = shown(sent(secret=TYPED, **{"secret.spaces": "keep"}))
    assert 'value="keep" checked' in page
    assert 'value="strip" checked' not in page


@pytest.mark.parametrize("answer", ["strip", "keep"])
def test_character_that_cannot_be_seen_is_refused_inside(answer: str) -> None:
    form = sent(secret=" plan\u200bted ", **{"secret.spaces": answer})
    assert "cannot be seen" in form.errors["secret"][0]


def test_spaces_alone_are_nothing_whatever_is_answered() -> None:
    form = sent(secret="  ", **{"secret.spaces": "keep"})
    assert form.is_valid()
    assert form.cleaned_data["secret"] == ""


class OneName(forms.Form):
    name = TrimmedField(label="Client ID", required=False)
    other = TrimmedField(label="User name", required=False)


@pytest.mark.parametrize("typed", [" an-id", "an-id\t", "\u00a0an-id "])
def test_name_loses_its_spaces_and_says_so(typed: str) -> None:
    form = OneName({"name": typed, "other": "plain"})
    assert form.is_valid()
    assert form.cleaned_data["name"] == "an-id"
    assert trimmed(form) == ["Client ID"]
    page = render_to_string("includes/field.html", {"field": form["name"]})
    assert "Client ID begins or ends with a space, which is taken away" in page
    assert " hidden>" not in page


@pytest.mark.parametrize("typed", ["an-id", "an id", "", "  "])
def test_name_without_spaces_around_it_says_nothing(typed: str) -> None:
    form = OneName({"name": typed})
    assert trimmed(form) == []
    assert " hidden>" in render_to_string("includes/field.html", {"field": form["name"]})


def test_secret_is_not_named_among_what_lost_spaces() -> None:
    assert trimmed(sent(secret=TYPED, **{"secret.spaces": "strip"})) == []

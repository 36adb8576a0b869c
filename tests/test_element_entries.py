"""What an element asks for: the same as the platform says, whatever its shape."""

import random
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.http import QueryDict
from django.template.loader import render_to_string

from instances import element_entries
from instances.cloud_elements.elements import ElementSetting
from instances.forms import ElementForm
from instances.forms.entries import name_of
from instances.models import Element, Instance, InstanceStatus, Operation, Organization
from instances.operations import MissingEntriesError
from sandbox import elements
from sandbox.running import Account
from tests.cases import work
from tests.ceremonies import offer

pytestmark = pytest.mark.django_db

Ask = Callable[..., Instance]

KEYS = sorted({each.key for each in elements.BY_ID.values()} - {"zuorav2"})
TYPES = ["TEXTFIELD_32", "TEXTFIELD_1000", "TEXTAREA", "BOOLEAN", "BOOLEAN_YESNO", "PASSWORD"]
TYPES += ["COMBO", "CODE_EDITOR", "COLOR_PICKER", "", "Text 100"]


@pytest.mark.parametrize("key", KEYS)
def test_same_entries_are_missing_as_on_the_platform(
    account: Account, organization: Organization, key: str
) -> None:
    element = offer(organization, key, "")
    (shelved,) = [each for each in elements.BY_ID.values() if each.key == key]
    ways: list[dict[str, str]] = [{}]
    if shelved.chooser:
        ways += [{shelved.chooser.key: value} for value, _ in shelved.chooser.options]
    for chosen in ways:
        assert element_entries.missing(element, chosen) == shelved.missing(chosen)


def test_no_door_asks_for_what_is_incomplete(
    account: Account, organization: Organization, ask: Ask
) -> None:
    offer(organization, "ledgers", "custom")
    with pytest.raises(MissingEntriesError) as refused:
        ask(element_key="ledgers", configuration={"ledgers.code": "EU-7"})
    assert refused.value.entries == [
        "ledgers.pass.phrase",
        "ledgers.certificate",
        "ledgers.currency",
    ]
    assert not Operation.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_comes_back_is_shown_but_for_secrets(
    account: Account, organization: Organization, ask: Ask
) -> None:
    offer(organization, "ledgers", "custom")
    typed = {
        "ledgers.code": "EU-7",
        "ledgers.pass.phrase": "open sesame 42",
        "ledgers.certificate": "-----BEGIN-----",
        "ledgers.currency": "EUR",
        "ledgers.name": "open sesame 42",
    }
    ask(element_key="ledgers", configuration=typed)
    work()
    instance = Instance.objects.get()
    assert instance.status == InstanceStatus.ACTIVE
    assert instance.configuration["ledgers.code"] == "EU-7"
    assert "sesame" not in str(instance.configuration)
    assert "BEGIN" not in str(instance.configuration)


@pytest.mark.django_db(transaction=True)
def test_of_an_element_that_nobody_has_read_nothing_typed_is_kept(
    account: Account, ask: Ask
) -> None:
    typed = {"ledgers.code": "EU-7", "ledgers.currency": "EUR"}
    typed |= {"ledgers.pass.phrase": "open sesame 42", "ledgers.certificate": "-----BEGIN-----"}
    ask(element_key="ledgers", configuration=typed)
    work()
    instance = Instance.objects.get()
    assert instance.status == InstanceStatus.ACTIVE
    assert "EU-7" not in str(instance.configuration)


def invented(chance: random.Random, number: int) -> dict[str, Any]:
    """An entry as a stranger's catalog may have it."""
    key = chance.choice(["plain.key", "with space", 'quo"te', "<b>", "oauth.user.token", "été"])
    return {
        "key": f"{key}{number}",
        "name": chance.choice(["Name", "", "<script>1</script>", "x" * 500]),
        "type": chance.choice(TYPES),
        "required": chance.random() < 0.5,
        "groupControl": chance.random() < 0.2,
        "groupName": chance.choice(["", "", "one", "two", "nowhere"]),
        "defaultValue": chance.choice([None, "one", "true", 7]),
        "options": chance.choice([None, [{"value": "one"}, {"value": "two", "description": "2"}]]),
        "description": chance.choice(["", "Say <em>when</em>", None]),
    }


@pytest.mark.parametrize("seed", range(60))
def test_the_form_of_an_element_that_nobody_has_seen_works(
    organization: Organization, seed: int
) -> None:
    """Each field has an id that its texts can name, what is required is asked for, no secret is shown."""
    chance = random.Random(seed)
    parsed = [ElementSetting.parse(invented(chance, number)) for number in range(12)]
    element = Element(
        organization=organization,
        element_key="odd",
        name="Odd",
        authentication=chance.choice(["basic", "oauth2", ""]),
        settings=[vars(setting) for setting in parsed if setting],
    )
    typed = QueryDict(mutable=True)
    form = ElementForm(typed, element=element)
    needed = element_entries.missing(element, {})
    assert {name_of(each) for each in form.asked if each["key"] in needed} <= set(form.errors)
    for entry in form.asked:
        typed[name_of(entry)] = "kept to yourself" if element_entries.is_secret(entry) else "one"
    form = ElementForm(typed, element=element)
    shown = "".join(render_to_string("includes/field.html", {"field": field}) for field in form)
    assert "kept to yourself" not in shown
    assert "<script>1" not in shown
    assert not [name for name in re.findall(r'id="([^"]*)"', shown) if re.search(r"\s", name)]
    asked = {form[name_of(each)].html_name for each in form.asked}
    placed = {field.html_name for field in [*form.needed_fields, *form.optional_fields]}
    for chooser, ways in form.ways:
        placed |= {chooser.html_name} | {field.html_name for _, _, of in ways for field, _ in of}
    assert asked == placed

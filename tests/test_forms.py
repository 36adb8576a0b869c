"""What is accepted, and what is said if not."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import QueryDict
from django.utils import timezone

from instances.forms import (
    InstanceFilter,
    InstanceForm,
    OrganizationForm,
    RequestPreview,
    ShareForm,
)
from instances.models import Instance, Organization, Team
from instances.reach import reach_of

Typed = dict[str, Any]


@pytest.fixture
def typed(organization: Organization) -> Typed:
    """A form filled in as the guide's example is."""
    return {
        "organization": str(organization.pk),
        "name": "Test",
        "is_sandbox": "on",
        "authentication_type": "basic",
        "username": "somebody",
        "password": "planted-password",
        "tags": "billing, emea, billing",
        "client_request_id": str(uuid.uuid4()),
    }


def messages(form: InstanceForm) -> list[str]:
    return [str(error) for errors in form.errors.values() for error in errors]


def test_basic_configuration_is_that_of_the_guide(typed: Typed, operator: User) -> None:
    form = InstanceForm(typed, user=operator)
    assert form.is_valid(), form.errors
    expected = {"zuorav2.sandbox": True, "username": "somebody", "password": "planted-password"}
    assert form.wish()["configuration"] == expected
    assert form.wish()["tag_names"] == ["billing", "emea"]


def test_custom_configuration_drops_what_belongs_to_basic(typed: Typed, operator: User) -> None:
    typed |= {"authentication_type": "custom", "client_id": "id", "client_secret": "secret"}
    form = InstanceForm(typed, user=operator)
    assert form.is_valid(), form.errors
    assert form.wish()["configuration"] == {
        "zuorav2.sandbox": True,
        "authentication.type": "custom",
        "clientId": "id",
        "clientSecret": "secret",
    }


def test_basic_configuration_drops_what_belongs_to_custom(typed: Typed, operator: User) -> None:
    form = InstanceForm(typed | {"client_id": "id", "client_secret": "s"}, user=operator)
    assert form.is_valid()
    assert not {"clientId", "clientSecret"} & set(form.wish()["configuration"])


def test_sandbox_switched_off_is_sent_as_false(typed: Typed, operator: User) -> None:
    del typed["is_sandbox"]
    form = InstanceForm(typed, user=operator)
    assert form.is_valid()
    assert form.wish()["configuration"]["zuorav2.sandbox"] is False


@pytest.mark.parametrize(
    ("chosen", "missing"),
    [
        ("basic", ["User name (username) is missing.", "Password (password) is missing."]),
        (
            "custom",
            ["Client ID (clientId) is missing.", "Client secret (clientSecret) is missing."],
        ),
    ],
)
def test_every_missing_entry_is_named_at_once(
    chosen: str, missing: list[str], operator: User
) -> None:
    form = InstanceForm({"authentication_type": chosen, "has_events": "on"}, user=operator)
    assert not form.is_valid()
    said = messages(form)
    callback = "Callback URL (event.notification.callback.url) is missing."
    assert {*missing, callback, "Name (name) is missing."} <= set(said)
    assert "Organization is missing: choose one." in said


def test_missing_entries_of_the_other_way_in_are_not_asked_for(operator: User) -> None:
    form = InstanceForm({"authentication_type": "custom"}, user=operator)
    assert not {"username", "password"} & set(form.errors)


@pytest.mark.parametrize("password", [" secret", "secret ", "sec\u200bret"])
def test_secret_with_a_slip_of_copying_is_explained(
    typed: Typed, operator: User, password: str
) -> None:
    form = InstanceForm(typed | {"password": password}, user=operator)
    assert not form.is_valid()
    assert list(form.errors) == ["password"]
    assert "secret" not in messages(form)[0]


def test_password_of_spaces_counts_as_missing(typed: Typed, operator: User) -> None:
    form = InstanceForm(typed | {"password": "   "}, user=operator)
    assert messages(form) == ["Password (password) is missing."]


def test_redisplay_keeps_everything_but_secrets(typed: Typed, operator: User) -> None:
    typed |= {"name": "", "signature_key": "planted-key", "has_events": "on"}
    page = InstanceForm(typed, user=operator).as_p()
    assert "planted" not in page
    for kept in ("somebody", "billing, emea", typed["client_request_id"], "checked"):
        assert kept in page


def test_events_bring_callback_and_key(typed: Typed, operator: User) -> None:
    typed |= {"has_events": "on", "callback_url": "https://a.example/e", "signature_key": "k"}
    form = InstanceForm(typed, user=operator)
    assert form.is_valid(), form.errors
    sent = form.wish()["configuration"]
    assert sent["event.notification.enabled"] is True
    assert sent["event.notification.callback.url"] == "https://a.example/e"
    assert sent["event.notification.signature.key"] == "k"


def test_callback_without_events_is_not_silently_dropped(typed: Typed, operator: User) -> None:
    form = InstanceForm(typed | {"callback_url": "https://a.example/e"}, user=operator)
    assert list(form.errors) == ["has_events"]


@pytest.mark.parametrize(("choice", "sent"), [("true", True), ("false", False)])
def test_empty_fields_are_mentioned_only_if_chosen(
    typed: Typed, operator: User, choice: str, sent: bool
) -> None:
    form = InstanceForm(typed | {"filter_nulls": choice}, user=operator)
    assert form.is_valid()
    assert form.wish()["configuration"]["filter.response.nulls"] is sent


@pytest.mark.parametrize("tags", ["x" * 256, "CED-abc", "a\u202eb"])
def test_tag_that_cannot_be_is_refused(typed: Typed, operator: User, tags: str) -> None:
    assert list(InstanceForm(typed | {"tags": tags}, user=operator).errors) == ["tags"]


def test_organization_out_of_use_cannot_be_chosen(
    typed: Typed, operator: User, organization: Organization
) -> None:
    Organization.objects.filter(pk=organization.pk).update(is_active=False)
    form = InstanceForm(typed, user=operator)
    assert "organization" in form.errors
    assert not form.has_organizations


def test_organization_of_others_cannot_be_chosen(typed: Typed, make_user: Any) -> None:
    assert "organization" in InstanceForm(typed, user=make_user("stranger")).errors


def test_preview_of_an_empty_form_is_the_guides_own(operator: User) -> None:
    preview = RequestPreview.of(InstanceForm(user=operator))
    assert '"password": "<INSERT_YOUR_ZUORA_PASSWORD>"' in preview.body
    assert '"zuorav2.sandbox": true' in preview.body
    assert "authentication.type" not in preview.body
    assert "User <INSERT_USER_SECRET>, Organization <INSERT_ORGANIZATION_SECRET>" in preview.curl


def test_preview_follows_the_form_without_its_secrets(typed: Typed, operator: User) -> None:
    preview = RequestPreview.of(InstanceForm(typed, user=operator))
    assert '"username": "somebody"' in preview.body
    assert '"billing"' in preview.body
    assert "planted" not in preview.body + preview.curl


def test_preview_reads_a_form_full_of_errors(operator: User) -> None:
    form = InstanceForm({"authentication_type": "?", "organization": "x"}, user=operator)
    assert "<INSERT_INSTANCE_NAME>" in RequestPreview.of(form).body


def test_share_wants_exactly_one_recipient(operator: User, make_user: Any) -> None:
    team = Team.objects.create(name="Finance")
    make_user("nora")
    neither = ShareForm({"level": "view"}, actor=operator, instance=Instance())
    both = ShareForm(
        {"level": "view", "person": "nora", "team": team.pk}, actor=operator, instance=Instance()
    )
    assert list(neither.errors) == list(both.errors) == ["person"]


@pytest.mark.parametrize("person", ["nora", "nora@example.com", "NORA@example.com"])
def test_person_is_found_by_user_name_or_address(
    operator: User, make_user: Any, person: str
) -> None:
    nora = make_user("nora")
    form = ShareForm({"level": "use", "person": person}, actor=operator, instance=Instance())
    assert form.is_valid(), form.errors
    assert form.wish()["user"] == nora


@pytest.mark.parametrize("person", ["nobody", "olivia"])
def test_person_unknown_or_oneself_is_refused(operator: User, person: str) -> None:
    assert (
        "person"
        in ShareForm({"level": "use", "person": person}, actor=operator, instance=Instance()).errors
    )


def test_address_of_two_people_needs_a_user_name(operator: User, make_user: Any) -> None:
    make_user("nora")
    User.objects.filter(pk=make_user("nils").pk).update(email="nora@example.com")
    form = ShareForm(
        {"level": "use", "person": "nora@example.com"}, actor=operator, instance=Instance()
    )
    assert form.errors["person"] == ["Several people have this address: give the user name."]


def test_until_means_the_end_of_that_day(operator: User, make_user: Any) -> None:
    make_user("nora")
    day = (timezone.now() + timedelta(days=3)).date()
    form = ShareForm(
        {"level": "use", "person": "nora", "until": day}, actor=operator, instance=Instance()
    )
    assert form.is_valid(), form.errors
    end = datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=UTC)
    assert form.wish()["expires_at"] == end


def test_until_in_the_past_is_refused(operator: User) -> None:
    form = ShareForm(
        {"level": "use", "person": "x", "until": "2020-01-01"}, actor=operator, instance=Instance()
    )
    assert "until" in form.errors


def test_base_url_is_brought_to_its_one_form(db: None) -> None:
    form = OrganizationForm({"name": "A", "base_url": "api.cloud-elements.com"})
    assert form.is_valid(), form.errors
    assert form.cleaned_data["base_url"] == "https://api.cloud-elements.com/elements/api-v2"


def test_host_that_is_not_listed_is_refused_at_its_field(db: None) -> None:
    form = OrganizationForm({"name": "A", "base_url": "https://evil.example"})
    assert "not on the list" in form.errors["base_url"][0]


def test_name_of_another_organization_is_refused(organization: Organization) -> None:
    form = OrganizationForm({"name": organization.name, "base_url": "api.cloud-elements.com"})
    assert form.errors["name"] == ["Another organization has this name."]


def test_filter_with_impossible_values_filters_nothing(operator: User) -> None:
    query = QueryDict("status=nonsense&organization=7&owner=you")
    assert InstanceFilter(query, reach=reach_of(operator)).chips() == []


@pytest.mark.django_db
def test_name_keeps_its_spaces_but_is_not_made_of_them(operator: User) -> None:
    kept = InstanceForm({"name": "  Test  "}, user=operator)
    blank = InstanceForm({"name": "   "}, user=operator)
    assert kept.errors.get("name") is None
    assert blank.errors["name"] == ["Name (name) is missing."]

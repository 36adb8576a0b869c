"""The token: recorded before it is shown, and shown to nobody else."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection
from django.test import Client
from django.urls import reverse

from instances.models import AuditEntry, Instance, Role, Share
from tests.states import TOKEN

JSON = {"Accept": "application/json"}


def url(instance: Instance) -> str:
    return reverse("instances:reveal", args=[instance.pk])


def recorded() -> list[str]:
    entries = AuditEntry.objects.filter(action__startswith="token.")
    return list(entries.values_list("action", flat=True))


def test_script_gets_token_header_and_time(signed_in: Client, active: Instance) -> None:
    response = signed_in.post(url(active), {"purpose": "reveal"}, headers=JSON)
    assert response.json() == {
        "token": TOKEN,
        "header": f"User <INSERT_USER_SECRET>, Element {TOKEN}",
        "seconds": 60,
    }
    assert response.headers["Cache-Control"] == "no-store"
    assert recorded() == ["token.revealed"]


def test_copying_is_recorded_as_copying(signed_in: Client, active: Instance) -> None:
    signed_in.post(url(active), {"purpose": "copy"}, headers=JSON)
    assert recorded() == ["token.copied"]


def test_without_script_a_page_shows_it_and_closes(signed_in: Client, active: Instance) -> None:
    response = signed_in.post(url(active), {"purpose": "copy"})
    page = html.unescape(response.content.decode())
    assert TOKEN in page
    assert re.search(r'http-equiv="refresh" content="60; url=/instances/[^"]+/token/"', page)
    assert recorded() == ["token.revealed"]
    assert response.headers["Cache-Control"] == "no-store"


def test_no_record_no_token(signed_in: Client, active: Instance) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE instances_auditentry RENAME TO gone")
    with pytest.raises(DatabaseError):
        signed_in.post(url(active), headers=JSON)


@pytest.mark.parametrize("headers", [JSON, {}])
def test_viewer_is_refused_as_if_it_were_not_there(
    client: Client, active: Instance, member: Callable[..., User], headers: dict[str, str]
) -> None:
    client.force_login(member(Role.VIEWER))
    response = client.post(url(active), headers=headers)
    assert response.status_code == 404
    assert recorded() == []


@pytest.mark.parametrize(("level", "status"), [("view", 404), ("use", 200), ("manage", 200)])
def test_share_decides_about_the_token(
    client: Client, active: Instance, make_user: Any, operator: User, level: str, status: int
) -> None:
    nora = make_user("nora")
    Share.objects.create(instance=active, user=nora, level=level, granted_by=operator)
    client.force_login(nora)
    assert client.post(url(active), headers=JSON).status_code == status


def test_viewer_sees_no_form_but_a_reason(
    client: Client, active: Instance, member: Callable[..., User]
) -> None:
    client.force_login(member(Role.VIEWER))
    page = client.get(reverse("instances:token", args=[active.pk])).content.decode()
    assert "Your access does not include the token" in page
    assert url(active) not in page


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_request_from_elsewhere_gets_nothing(
    signed_in: Client, active: Instance, site: str
) -> None:
    response = signed_in.post(url(active), headers=JSON | {"Sec-Fetch-Site": site})
    assert response.status_code == 403
    assert list(response.json()) == ["error"]
    assert recorded() == []


def test_instance_without_token_answers_with_a_sentence(
    signed_in: Client, ask: Callable[..., Instance]
) -> None:
    response = signed_in.post(url(ask()), headers=JSON)
    assert response.status_code == 409
    assert response.json() == {"error": "There is no token to show."}


def test_stored_token_that_does_not_open_is_explained(signed_in: Client, active: Instance) -> None:
    Instance.objects.filter(pk=active.pk).update(token="ce1.t1.AAAA.AAAA")
    response = signed_in.post(url(active), headers=JSON)
    assert "does not open" in response.json()["error"]
    page = signed_in.post(url(active), follow=True).content.decode()
    assert "does not open" in page


def test_token_is_never_handed_out_to_get(signed_in: Client, active: Instance) -> None:
    assert signed_in.get(url(active)).status_code == 405


def test_example_has_placeholders_and_a_plain_path(signed_in: Client, active: Instance) -> None:
    Instance.objects.filter(pk=active.pk).update(element={"hub": "x'; rm -rf / #"})
    context = signed_in.get(reverse("instances:token", args=[active.pk])).context
    assert context["example"]["header"].endswith("User <USER_SECRET>, Element <ELEMENT_TOKEN>")
    assert "/hubs/payment/products?pageSize=1'" in context["example"]["curl"]

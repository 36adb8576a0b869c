"""The sandbox's consent pages: the way there, the way back, and what the code is good for."""

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from sandbox.catalog import MASK
from sandbox.running import Account
from tests.stand_in.wishes import Call

CALLBACK = "https://elementdesk.test/oauth/return?from=platform"
APPLICATION = {"apiKey": "app", "apiSecret": "app-secret", "callbackUrl": CALLBACK}
CONFIGURATION = {
    "oauth.api.key": "app",
    "oauth.api.secret": "app-secret",
    "oauth.callback.url": CALLBACK,
}
STATE = 'state with "quotes" & <b>'


def oauth_url(call: Call, key: str, **more: str) -> str:
    answer = call("GET", f"/elements/{key}/oauth/url", params=APPLICATION | more).json()
    assert answer["element"] == key
    return str(answer["oauthUrl"])


def decide(address: str, answer: str = "allow") -> dict[str, str]:
    """Open the page, press a button; give what the callback is told."""
    page = requests.get(address, timeout=20).text
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page)
    fields = {unescape(name): unescape(value) for name, value in found} | {"answer": answer}
    sent = requests.post(address.partition("?")[0], fields, allow_redirects=False, timeout=20)
    assert sent.status_code == 302
    assert sent.headers["Location"].startswith(CALLBACK)
    return {k: v[0] for k, v in parse_qs(urlsplit(sent.headers["Location"]).query).items()}


def create(call: Call, key: str, provider_data: object, **configuration: str) -> requests.Response:
    body: dict[str, Any] = {"element": {"key": key}, "name": "Sales"}
    body |= {"configuration": CONFIGURATION | configuration, "providerData": provider_data}
    return call("POST", "/instances", json=body)


def test_code_of_the_consent_page_makes_an_instance_once(call: Call) -> None:
    told = decide(oauth_url(call, "sfdc", state=STATE))
    assert (told["state"], told["from"]) == (STATE, "platform")
    shown = create(call, "sfdc", {"code": told["code"]}).json()["configuration"]
    assert (shown["oauth.api.key"], shown["oauth.api.secret"]) == (MASK, MASK)
    assert len(shown["oauth.user.token"]) == len(shown["oauth.user.refresh_token"]) == 44
    again = create(call, "sfdc", {"code": told["code"]})
    assert again.status_code == 400
    assert "invalid_grant" in again.json()["providerMessage"]


def test_oauth_tokens_can_be_masked(call: Call, account: Account) -> None:
    account.set(mask_oauth_tokens=True)
    told = decide(oauth_url(call, "sfdc"))
    shown = create(call, "sfdc", {"code": told["code"]}).json()["configuration"]
    assert shown["oauth.user.token"] == shown["oauth.user.refresh_token"] == MASK


def test_denial_comes_back_with_the_state(call: Call) -> None:
    told = decide(oauth_url(call, "sfdc", state="s1"), "deny")
    assert (told["error"], told["state"]) == ("access_denied", "s1")
    assert "code" not in told


@pytest.mark.parametrize(
    ("key", "changed"),
    [
        ("mailings", {}),
        ("sfdc", {"oauth.api.key": "another"}),
        ("sfdc", {"oauth.callback.url": "https://elsewhere.test"}),
    ],
)
def test_code_is_only_good_for_what_it_was_asked_for(
    call: Call, account: Account, key: str, changed: dict[str, str]
) -> None:
    code = decide(oauth_url(call, "sfdc"))["code"]
    account.set(wrong_oauth_code_status=401)
    assert create(call, key, {"code": code}, **changed).status_code == 401
    assert account.instances() == []


def test_code_grows_too_old(call: Call, account: Account) -> None:
    account.set(oauth_code_seconds=0.0)
    code = decide(oauth_url(call, "sfdc"))["code"]
    assert "invalid_grant" in create(call, "sfdc", {"code": code}).json()["providerMessage"]


def test_page_leads_only_to_web_addresses(call: Call) -> None:
    page = requests.get(oauth_url(call, "sfdc", callbackUrl="javascript:alert(1)"), timeout=20)
    assert (page.status_code, "<form" in page.text) == (400, False)


def test_oauth1_needs_token_verifier_and_secret(call: Call, account: Account) -> None:
    path = "/elements/quickbooks/oauth/token"
    first = call("GET", path, params=APPLICATION).json()
    assert set(first) == {"token", "secret"}
    told = decide(oauth_url(call, "quickbooks", requestToken=first["token"], state="s2"))
    assert (told["oauth_token"], told["state"]) == (first["token"], "s2")
    proof = {name: told[name] for name in ("oauth_token", "oauth_verifier")}
    assert create(call, "quickbooks", proof | {"secret": "another"}).status_code == 400
    assert create(call, "quickbooks", proof | {"secret": first["secret"]}).status_code == 200
    assert create(call, "quickbooks", proof | {"secret": first["secret"]}).status_code == 400
    assert len(account.instances()) == 1


def test_oauth1_without_consent_is_refused(call: Call) -> None:
    first = call("GET", "/elements/quickbooks/oauth/token", params=APPLICATION).json()
    proof = {"oauth_token": first["token"], "oauth_verifier": "", "secret": first["secret"]}
    assert create(call, "quickbooks", proof).status_code == 400
    assert decide(oauth_url(call, "quickbooks", requestToken=first["token"]), "deny")["denied"]


def test_url_can_be_asked_for_by_post(call: Call) -> None:
    body = APPLICATION | {"scope": "api full"}
    address = call("POST", "/elements/sfdc/oauth/url", json=body).json()["oauthUrl"]
    assert parse_qs(urlsplit(address).query)["scope"] == ["api full"]


@pytest.mark.parametrize(
    ("path", "params", "status"),
    [
        ("/elements/jira/oauth/url", APPLICATION, 400),
        ("/elements/nothing/oauth/url", APPLICATION, 404),
        ("/elements/sfdc/oauth/url", {"apiKey": "app"}, 400),
        ("/elements/sfdc/oauth/token", APPLICATION, 400),
        ("/elements/quickbooks/oauth/url", APPLICATION, 400),
    ],
)
def test_url_needs_an_oauth_element_and_its_application(
    call: Call, path: str, params: dict[str, str], status: int
) -> None:
    assert call("GET", path, params=params).status_code == status


def test_unknown_application_sees_no_form(call: Call) -> None:
    page = requests.get(oauth_url(call, "sfdc", apiKey="wrong"), timeout=20)
    assert (page.status_code, "<form" in page.text) == (400, False)


def test_page_escapes_what_it_is_told(call: Call) -> None:
    page = requests.get(oauth_url(call, "sfdc", apiKey="<script>", state=STATE), timeout=20)
    assert page.status_code == 200
    assert "<script>" not in page.text
    assert page.headers["Content-Type"].startswith("text/html")


def test_fresh_code_reauthenticates_in_place(call: Call, account: Account) -> None:
    made = create(call, "sfdc", {"code": decide(oauth_url(call, "sfdc"))["code"]}).json()
    account.change_instance(made["id"], valid=False)
    path, old = f"/instances/{made['id']}", made["configuration"]["oauth.user.token"]
    assert call("PATCH", path, json={"providerData": {"code": "none"}}).status_code == 400
    code = decide(oauth_url(call, "sfdc"))["code"]
    shown = call("PATCH", path, json={"providerData": {"code": code}}).json()
    assert (shown["id"], shown["valid"]) == (made["id"], True)
    assert shown["configuration"]["oauth.user.token"] != old


@pytest.mark.parametrize(("token", "status"), [("r1", 200), ("wrong", 401)])
def test_refresh_token_needs_no_page(call: Call, token: str, status: int) -> None:
    values = CONFIGURATION | {"oauth.user.refresh_token": token}
    body = {"element": {"key": "sfdc"}, "name": "Sales", "configuration": values}
    answer = call("POST", "/instances", json=body | {"externalAuthentication": "initial"})
    assert answer.status_code == status
    if status == 200:
        assert answer.json()["externalAuthentication"] == "initial"

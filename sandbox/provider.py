"""The providers' consent pages under /__provider__/: a person allows or denies, and is sent back."""

import html
from collections.abc import Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit

from sandbox import elements
from sandbox.catalog import Element
from sandbox.grants import Grant, Grants
from sandbox.messages import Request, Response

PREFIX = "/__provider__"
UNKNOWN_APPLICATION = "wrong"  # the one key that no provider knows

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body><main><h1>{title}</h1>{body}</main></body></html>
"""
FORM = """<p>The application <b>{application}</b> asks for access to your {element} account.</p>
<form method="post" action="{action}">{fields}
<button name="answer" value="allow">Allow</button>
<button name="answer" value="deny">Deny</button></form>
"""

Arguments = dict[str, str]


def respond(grants: Grants, invented: Sequence[Element], request: Request) -> Response:
    """Answer with the page for GET, with the way back for POST."""
    parts = request.segments(PREFIX)
    if parts[1:] != ["authorize"]:
        return _page(404, "No such page", "")
    element = elements.find(parts[0], private_clone=False, invented=invented)
    if element is None or not element.is_oauth:
        return _page(404, "No such page", "")
    sent = (
        request.query
        if request.method == "GET"
        else parse_qsl(request.body.decode(errors="replace"))
    )
    asked = dict(sent)
    grant = _wanted(grants, element, asked)
    if grant is None:
        return _page(400, "Unknown application", "<p>This request cannot be granted.</p>")
    if request.method == "GET":
        return _page(200, f"Connect to {element.name}", _form(element, grant, asked))
    return _sent_back(grants, element, grant, asked)


def _wanted(grants: Grants, element: Element, asked: Arguments) -> Grant | None:
    if element.authentication == "oauth1":
        grant = grants.request_token(asked.get("oauth_token", ""))
    else:
        grant = Grant(element.key, asked.get("client_id", ""), asked.get("redirect_uri", ""))
    if grant is None or grant.element_key != element.key:
        return None
    is_web = urlsplit(grant.callback).scheme in ("http", "https")
    return grant if is_web and grant.application not in ("", UNKNOWN_APPLICATION) else None


def _form(element: Element, grant: Grant, asked: Arguments) -> str:
    fields = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
        for name, value in asked.items()
    )
    return FORM.format(
        application=html.escape(grant.application),
        element=html.escape(element.name),
        action=f"{PREFIX}/{element.key}/authorize",
        fields=fields,
    )


def _sent_back(grants: Grants, element: Element, grant: Grant, asked: Arguments) -> Response:
    """Send the person back, with what proves the consent or with the refusal, and the state."""
    allows = asked.get("answer") == "allow"
    if element.authentication == "oauth1":
        said = _oauth1_answer(grants, asked["oauth_token"], allows=allows)
    elif allows:
        said = {"code": grants.new_code(grant)}
    else:
        said = {"error": "access_denied", "error_description": "The user denied access"}
    if "state" in asked:
        said["state"] = asked["state"]
    return Response(302, headers={"Location": _with_query(grant.callback, said)})


def _oauth1_answer(grants: Grants, token: str, *, allows: bool) -> Arguments:
    if not allows:
        return {"denied": token}
    return {"oauth_token": token, "oauth_verifier": grants.verify(token), "realmId": "193514"}


def _with_query(address: str, said: Arguments) -> str:
    joint = "&" if urlsplit(address).query else "?"
    return f"{address}{joint}{urlencode(said)}"


def _page(status: int, title: str, body: str) -> Response:
    text = PAGE.format(title=html.escape(title), body=body)
    return Response(status, text.encode(), content_type="text/html; charset=utf-8")

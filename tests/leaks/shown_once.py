"""What the product shows on purpose, and only there: each is planted, and taken out of that one answer."""

import html
import re
from collections.abc import Iterator

import requests

UUID = r"[0-9a-f-]{36}"
# By name: to which request it is the answer, and how it stands there.
SHOWN = {
    "webhook secret": (rf"POST /.*/webhooks/new/|POST /webhooks/{UUID}/.*", r"whsec_[\w-]{43}"),
    "API key": (rf"POST /account/keys/(new|{UUID}/rotate)/", r"edk_[0-9A-Za-z]{56}"),
    "key of an app": (r"(GET|POST) /account/factors/app/", r"<code>([A-Z2-7 ]{39})</code>"),
    "recovery code": (
        r"POST /account/factors/(app|passkey|codes)/",
        r"<code>([a-z2-9]{5}-[a-z2-9]{5})</code>",
    ),
    "link of an invitation": (
        rf"POST /organizations/{UUID}/invitations/",
        r'id="invitation-link">[^<]*link=([^<]+)<',
    ),
    "token by the API": (rf"POST /api/v1/instances/{UUID}/token", r'"(?:User [^"]*)?([^" ]{20,})"'),
}


def shown_in(answer: requests.Response, address: str) -> Iterator[tuple[str, str]]:
    """Give the name and the text of everything that this answer may show; `address` is the server's."""
    asked = f"{answer.request.method} {answer.url.removeprefix(address).partition('?')[0]}"
    for name, (request, shape) in SHOWN.items():
        if answer.ok and re.fullmatch(request, asked):
            for found in re.finditer(shape, answer.text):
                yield name, html.unescape(found[1] if found.re.groups else found[0])

"""Somebody who is invited by mail, and somebody whom a sign-in provider knows."""

import base64
import quopri
import re
from urllib.parse import parse_qs, urlsplit

from tests.leaks import identities
from tests.leaks.journey import Journey, until
from tests.leaks.planted import Planted
from tests.leaks.surroundings import MailServer
from tests.leaks.visitor import Visitor
from tests.sign_in.provider import Provider

ACCEPT = "/invitation/accept/"
RETURN = "/sign-in/provider/return/"


class KnownProvider(Provider):
    """A sign-in provider whose tokens are planted."""

    def __init__(self, planted: Planted) -> None:
        self.planted = planted
        super().__init__()

    def _token(self) -> str:
        return self.planted.note("token of the provider", super()._token())


def letters(mail: MailServer) -> str:
    """Return the letters as their readers see them."""
    return quopri.decodestring(mail.path.read_bytes()).decode(errors="replace")


def invite(journey: Journey, root: Visitor, mail: MailServer, email: str) -> str:
    """Have somebody invited; return the link of the letter, which is planted and stays that letter's."""
    form = {"email": email, "role": "viewer"}
    path = f"/organizations/{journey.organization}/invitations/"
    assert root.post(path, **form).status_code == 302
    shape = re.compile(r"/invitation/\?link=([\w%-]+)")
    until(lambda: len(shape.findall(letters(mail))) > len(journey.invited))
    link = journey.planted.note("link of an invitation", shape.findall(letters(mail))[-1])
    journey.invited.append(link)
    return link


def join(journey: Journey, root: Visitor, nora: Visitor, guest: Visitor, mail: MailServer) -> None:
    """Follow the link, choose a password, add an app, leave and come back; another link stays open."""
    link = invite(journey, root, mail, "nora@desk.example")
    assert nora.get(f"/invitation/?link={link}").status_code == 302
    password = journey.planted.secret("password of nora")
    wrong = journey.planted.secret("password that differs")
    typed = {"username": "nora", "password": password}
    assert nora.get(ACCEPT).status_code == 200
    assert nora.post(ACCEPT, **typed, again=wrong).status_code == 422
    assert nora.post(ACCEPT, **typed, again=password).status_code == 302
    nora.username, nora.password = "nora", password
    identities.enroll(journey, nora)
    identities.return_with_paper(journey, nora)
    assert nora.post("/account/", email="nora.new@desk.example").status_code == 302
    identities.take_away(nora)
    open_link = invite(journey, root, mail, "guest@desk.example")
    assert guest.get(f"/invitation/?link={open_link}").status_code == 302


def come_from_provider(journey: Journey, provider: Provider, visitor: Visitor) -> None:
    """Sign in by a provider, wrongly and rightly."""
    planted = journey.planted
    for broken, code in (("other key", "refused code"), ("", "code of the provider")):
        provider.broken = broken
        _come_back(provider, visitor, planted.secret(code))
    assert visitor.is_signed_in
    identity = re.search(r'name="identity" value="(\d+)"', visitor.get("/account/").text)
    assert identity
    # It is the only way in, and stays.
    left = visitor.post("/account/provider/disconnect/", identity=identity[1])
    assert left.status_code == 302
    login = next(login for path, _form, login in provider.asked if path == "/token")
    assert base64.b64decode(login.removeprefix("Basic ")).endswith(
        str(planted.values["client secret of the desk"]).encode()
    )


def _come_back(provider: Provider, visitor: Visitor, code: str) -> None:
    left = visitor.get("/sign-in/provider/").headers["Location"]
    said = {name: held[0] for name, held in parse_qs(urlsplit(left).query).items()}
    provider.challenge = said["code_challenge"]
    provider.claims = {"nonce": said["nonce"], "preferred_username": "petra"}
    provider.claims |= {"email": "petra@desk.example", "email_verified": True}
    visitor.get(RETURN, params={"state": said["state"], "code": code})

"""How people show who they are a second time: an app on their phone, codes on paper."""

import re
import time
from dataclasses import dataclass, field
from secrets import token_hex

from instances.one_time import PERIOD, code_at, digest_of, present_step
from tests.leaks.journey import Journey
from tests.leaks.visitor import Visitor

APP = "/account/factors/app/"
CODES = "/account/factors/codes/"
CONFIRM = "/sign-in/confirm/?next=/account/"


@dataclass
class App:
    """An authenticator app; no code of it is taken twice, so it waits for the next one."""

    seed: str = field(repr=False)
    last: int = 0

    def code(self) -> str:
        """Return a code that was not used before, at most one period ahead of the clock."""
        while self.last > present_step():
            time.sleep(PERIOD / 30)
        self.last = max(self.last + 1, present_step())
        return code_at(self.seed, self.last)


def enroll(journey: Journey, visitor: Visitor) -> None:
    """Be asked who it is, wrongly and rightly; add an app, wrongly and rightly; renew the codes."""
    planted, name = journey.planted, visitor.username
    wrong = planted.secret(f"password of {name} at the second check")
    assert visitor.post(CONFIRM, password=wrong).status_code == 422
    assert visitor.confirm().status_code == 302
    seeds = re.findall(r"<code>([A-Z2-7 ]{39})</code>", visitor.get(APP).text)
    app = App(planted.note(f"seed of {name}", seeds[0].replace(" ", "")))
    assert visitor.post(APP, code=planted.note("mistyped code", token_hex(9))).status_code == 422
    assert visitor.post(APP, code=app.code()).status_code == 200
    visitor.record.apps[name] = app.code
    made = re.findall(r"<code>([a-z2-9-]{11})</code>", visitor.post(CODES).text)
    assert len(made) == 10
    for code in made:
        planted.note("recovery code without its dash", code.replace("-", ""))
        planted.note("digest of a recovery code", digest_of(code))
    visitor.record.papers[name] = made


def return_with_paper(journey: Journey, visitor: Visitor) -> None:
    """Sign in again, with a code that is none, and with one from the paper; then see the sessions."""
    assert visitor.post("/sign-out/").status_code == 302
    sent = visitor.send_password(visitor.username, visitor.password)
    assert sent.headers["Location"] == "/sign-in/second/"
    mistyped = journey.planted.note("mistyped code", token_hex(9))
    assert visitor.post("/sign-in/second/", code=mistyped).status_code == 422
    paper = visitor.record.papers[visitor.username].pop()
    assert visitor.post("/sign-in/second/", code=paper).status_code == 302
    assert visitor.get("/account/sessions/").status_code == 200


def take_away(visitor: Visitor) -> None:
    """Look at the page that removes a factor, remove it, and add another one."""
    page = visitor.get("/account/factors/").text
    found = re.search(r"/account/factors/[0-9a-f-]{36}/remove/", page)
    assert found, page
    assert visitor.get(found[0]).status_code == 200
    assert visitor.post(found[0]).status_code == 302
    del visitor.record.apps[visitor.username]

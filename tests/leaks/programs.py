"""Programs with a key: made, rotated, used for everything that takes or gives a secret, refused."""

import json
import re
import uuid
from typing import Any

from tests.leaks.journey import Journey
from tests.leaks.visitor import Visitor

KEY = re.compile(r"edk_[0-9A-Za-z]{56}")
SCOPES = ["read", "write", "reveal", "admin"]


def make_key(journey: Journey, owner: Visitor) -> dict[str, str]:
    """Make a key on its page and let a successor follow; return the successor's header."""
    form = {"organization": journey.organization, "name": "Nightly", "days": "7", "networks": ""}
    form |= {"client_request_id": str(uuid.uuid4())}
    first = owner.send_many("/account/keys/new/", form, "scopes", SCOPES)
    assert KEY.search(first.text), first.text
    page = owner.get("/account/keys/").text
    rotate = re.search(r"/account/keys/[0-9a-f-]{36}/rotate/", page)
    assert rotate, page
    again = {"overlap": "7", "client_request_id": str(uuid.uuid4())}
    second = KEY.search(owner.post(rotate[0], **again).text)
    assert second
    revoke = rotate[0].replace("/rotate/", "/revoke/")
    assert owner.get(revoke).status_code == 200
    assert owner.post(revoke).status_code == 302
    value = journey.planted.note("header of a key", f"Bearer {second[0]}")
    return {"Authorization": value}


def call(journey: Journey, program: Visitor) -> None:
    """Ask, be refused, fetch a token; a key that is none, too."""
    made_up = journey.planted.note("made-up key", "edk_" + "0aB1cD2eF3" * 5 + "000000")
    refused = program.get("/api/v1/key", headers={"Authorization": f"Bearer {made_up}"})
    assert refused.status_code == 401
    assert program.get("/api/v1/key").status_code == 200
    wrong = journey.planted.secret("password sent by a program")
    assert ask(journey, program, password=wrong, more="x").status_code in (202, 422)
    broken = f'{{"configuration": "{journey.planted.word("password in broken JSON")}'
    head = {"Content-Type": "application/json"}
    assert program.send("/api/v1/instances", data=broken, headers=head).status_code in (400, 422)
    path = f"/api/v1/instances/{journey.instances[0]}"
    assert program.get(path).status_code == 200
    answer = program.send(f"{path}/token")
    assert answer.status_code == 200, answer.text
    assert answer.json()["token"] == journey.token


def ask(journey: Journey, program: Visitor, password: str, **more: str) -> Any:
    """Send the platform's own instance.json."""
    entries = {
        "zuorav2.sandbox": True,
        "username": journey.account.sandbox.username,
        "password": password,
    }
    body = {"element": {"key": "zuorav2"}, "name": "By a program", "configuration": entries}
    head = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
    return program.send("/api/v1/instances", data=json.dumps(body | more), headers=head)

"""Instances that are asked for by the command line."""

import json

from tests.leaks.journey import Journey, must


def create(journey: Journey) -> None:
    """Ask with a good file and with bad ones."""
    entries = {
        "zuorav2.sandbox": True,
        "username": journey.account.sandbox.username,
        "password": journey.account.sandbox.password,
        # A name that does not say so holds a secret too.
        "remark": journey.planted.secret("remark"),
        "oauth.api.secret": journey.planted.secret("api secret"),
        "oauth.api.key": journey.planted.secret("api key"),
    }
    good = json.dumps({"element": {"key": "zuorav2"}, "name": "File", "configuration": entries})
    must(_from_file(journey, good))
    broken = journey.planted.secret("password in a broken file")
    for text in (f'{{"password": "{broken}', broken, f'{{"configuration": ["{broken}"]}}'):
        assert _from_file(journey, text) == 3
    assert _from_file(journey, good.replace('"username"', '"no user"')) == 3


def _from_file(journey: Journey, content: str) -> int:
    return journey.product.manage(
        *("create_instance", "--organization", "First", "--user", "root"),
        *("--file", "-", "--wait", "60"),
        stdin=content,
    )

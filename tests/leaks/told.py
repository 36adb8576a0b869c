"""Let people and webhooks be told of what happens, and see that they were."""

from tests.leaks.journey import Journey, until
from tests.leaks.surroundings import MailServer
from tests.leaks.visitor import Visitor
from tests.telling.receivers import Receiver

KINDS = "created failed unknown action_needed recovered shared share_expiring secrets_refused"


def want(journey: Journey, root: Visitor, hooks: Receiver) -> None:
    """Add webhooks whose addresses are secrets, be refused one, and choose mail for everything."""
    path = f"/organizations/{journey.organization}/webhooks/new/"
    for shape, answer in (("signed", 200), ("slack", 302)):
        secret = journey.planted.word(f"address of a {shape} webhook")
        form = {"name": shape, "shape": shape, "url": hooks.url(f"/{shape}?key={secret}")}
        assert root.post(path, **form, kinds="webhook_off").status_code == 422
        assert root.send_many(path, form, "kinds", KINDS.split()).status_code == answer
    refused = {"name": "Other", "shape": "slack", "kinds": "failed"}
    inside = f"http://127.0.0.1/{journey.planted.word('address that is refused')}"
    assert root.post(path, **refused, url=inside).status_code == 422
    choices = {f"mail_{kind}": "now" for kind in [*KINDS.split(), "webhook_off"]}
    assert root.post("/account/notifications/", **choices).status_code == 302


def hear(journey: Journey, root: Visitor, hooks: Receiver, mail: MailServer) -> None:
    """Let root ask for an instance named like the control, and wait until mail and webhooks have told of it."""
    name = f"Told {journey.planted.control}"
    journey.wait(root, journey.ask(root, name), "active")
    until(lambda: sum(name in taken.body for taken in list(hooks.taken)) >= 2)
    until(lambda: f"Created: {name}" in mail.path.read_text(errors="replace").replace("=\n", ""))

"""Rows that nothing else in a run makes, so that every kind of page has one to show."""

from tests.leaks.journey import Journey, until
from tests.leaks.visitor import Visitor


def make_rows(journey: Journey, root: Visitor, owner: Visitor) -> None:
    """Make a group in Django admin and a team on its page, let an owner share an instance, and what follows."""
    assert root.post("/admin/auth/group/add/", name="Crew").status_code == 302
    teams = f"/organizations/{journey.organization}/teams/"
    assert root.post(teams, name="Crew").status_code == 302
    share = {"person": "root", "level": "view"}
    answer = owner.post(f"/instances/{journey.instances[0]}/sharing/", **share)
    assert answer.status_code == 302, answer.text
    _read_the_log(journey, owner)
    _offer_other_secrets(journey, root)
    _rotate(journey, owner)


def _read_the_log(journey: Journey, owner: Visitor) -> None:
    """Have the platform's log read, of a call that gave a secret away in its address."""
    first, page = journey.instances[0], f"/instances/{journey.instances[0]}/activity/"
    (made,) = [one for one in journey.account.instances() if one["token"] == journey.token]
    key = journey.planted.secret("key in a called address")
    journey.account.add_usage(made["id"], path=f"/hubs/payment/called?apiKey={key}")
    journey.account.add_audit_log(made["id"])
    assert owner.post(f"/instances/{first}/activity/read/").ok
    until(lambda: "/hubs/payment/called" in owner.get(page).text)


def _offer_other_secrets(journey: Journey, root: Visitor) -> None:
    """Enter secrets that open another account: they are kept, sealed, until a person decides."""
    other = journey.sandbox.new_account()
    journey.planted.note_account(other)
    page = f"/organizations/{journey.organization}/"
    form = {"name": "First", "base_url": journey.sandbox.base_url, "is_active": "on"}
    pair = {
        "user_secret": other.user_secret,
        "organization_secret": other.organization_secret,
    }
    assert root.post(page, **form, **pair).status_code == 302
    until(lambda: "another account" in root.get(page).text)


def _rotate(journey: Journey, owner: Visitor) -> None:
    """Let a twin with the same credentials stand beside the second instance."""
    old = f"/instances/{journey.instances[1]}/"
    assert owner.post(f"{old}rotate/", **journey.form("Twin"), days="7").status_code == 302
    until(lambda: "both work until" in owner.get(old).text)

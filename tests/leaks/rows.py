"""Rows that nothing else in a run makes, so that every kind of page has one to show."""

from tests.leaks.journey import Journey
from tests.leaks.visitor import Visitor


def make_rows(journey: Journey, root: Visitor, owner: Visitor) -> None:
    """Make a group and a team in Django admin, and let an owner share an instance."""
    for path in ("/admin/auth/group/add/", "/admin/instances/team/add/"):
        assert root.post(path, name="Crew").status_code == 302
    share = {"person": "root", "level": "view"}
    answer = owner.post(f"/instances/{journey.instances[0]}/sharing/", **share)
    assert answer.status_code == 302, answer.text

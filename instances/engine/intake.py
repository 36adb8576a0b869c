"""Take in everything that is only on the platform, part by part, never more than can be read soon."""

import structlog
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from instances import access, adoptions, audit
from instances.access import Action
from instances.models import Intake, adoptions_under_way

logger = structlog.get_logger(__name__)

LINES_AT_ONCE = 500
# So many at most wait to be read: what people ask for meanwhile comes after these, not after all.
MOST_WAITING = 1000


def run() -> None:
    """Take the next part of each; several workers may do so at once."""
    for pk in list(Intake.objects.filter(ended_at=None).values_list("pk", flat=True)):
        step(Intake(pk=pk))


def step(intake: Intake) -> None:
    """
    Take one part, or end with the last one, in one transaction; safe to run twice, late or never.

    Two who try at once take turns: the second goes on behind what the first has taken.
    """
    with transaction.atomic():
        rows = Intake.objects.select_related("organization", "requester", "owner")
        held = rows.filter(pk=intake.pk, ended_at=None)
        row = held.select_for_update(of=("self",)).first()
        if row is None:
            return
        if problem := _why_not(row):
            _end(row, problem)
        elif adoptions_under_way(row.organization)[:MOST_WAITING].count() < MOST_WAITING:
            _take(row)


def _why_not(intake: Intake) -> str:
    """Return why it may not go on, "" if it may: rights are looked up again for each part."""
    if not access.can(intake.requester, Action.ADMINISTER, intake.organization):
        return f"{intake.requester} may not administer the organization any more."
    if not access.is_member(intake.owner, intake.organization):
        return f"{intake.owner} is not a member of the organization any more."
    return ""


def _take(intake: Intake) -> None:
    part = intake.lines().select_related("organization").select_for_update(of=("self",))
    lines = list(part[:LINES_AT_ONCE])
    if not lines:
        _end(intake)
        return
    wishes = adoptions.ask(lines, requester=intake.requester, owner=intake.owner)
    rows = Intake.objects.filter(pk=intake.pk)
    rows.update(after=lines[-1].pk, taken=F("taken") + len(wishes))
    logger.info("adoptions asked for", organization=str(intake.organization_id), count=len(wishes))


def _end(intake: Intake, problem: str = "") -> None:
    Intake.objects.filter(pk=intake.pk).update(ended_at=Now(), problem=problem)
    action = "organization.adoption_stopped" if problem else "organization.adoption_asked_for"
    audit.record(None, action, intake.organization, count=intake.taken, problem=problem)

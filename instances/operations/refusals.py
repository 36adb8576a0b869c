"""What somebody was refused: told to them as missing, and kept in the record (decision 0024)."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Model
from django.utils import timezone

from instances import audit
from instances.models import AuditEntry, AuditResult

ACTION = "access.refused"
# The record is not to be flooded: of the same act on the same object one is kept in so long,
# and of one person at most so many altogether.
EVERY = timedelta(minutes=1)
MOST = 30


def note_refusal(actor: User, wanted: str, target: Model | None = None) -> None:
    """Record that a person was refused something that exists; without a target, it is about them."""
    about = target if target is not None else actor
    since = timezone.now() - EVERY
    lately = AuditEntry.objects.filter(action=ACTION, actor=actor, at__gt=since)
    known = list(lately.values_list("object_id", "detail")[:MOST])
    is_known = any(pk == str(about.pk) and told["wanted"] == wanted for pk, told in known)
    if is_known or len(known) >= MOST:
        return
    told: dict[str, Any] = {"wanted": wanted}
    if len(known) == MOST - 1:
        told["next"] = "further refusals of this minute are not recorded"
    audit.record(actor, ACTION, about, result=AuditResult.REFUSED, **told)

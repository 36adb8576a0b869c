"""Write the record of who did what; called in the transaction of the deed itself."""

from typing import Any
from uuid import UUID

import structlog
from django.contrib.auth.models import User
from django.db import models

from instances import rights
from instances.audit import marks
from instances.models import AuditEntry, AuditResult, Organization

WORKER = "worker"
COMMAND_LINE = "command line"


def record(
    actor: User | None,
    action: str,
    target: models.Model,
    *,
    result: AuditResult = AuditResult.DONE,
    by: str = WORKER,
    **detail: Any,
) -> AuditEntry:
    """
    Write one entry; see `entry` for what it says.

    Call it in the transaction of what it records: no record, no deed.
    """
    written = entry(actor, action, target, result=result, by=by, **detail)
    written.save(force_insert=True)
    return written


def entry(
    actor: User | None,
    action: str,
    target: models.Model,
    *,
    result: AuditResult = AuditResult.DONE,
    by: str = WORKER,
    **detail: Any,
) -> AuditEntry:
    """
    Return one entry, marked and not written yet; without an `actor`, `by` names what acted by itself.

    `detail` holds plain facts, never a secret. Request id and address come from the context of the
    present request, and so do the beginning of the key with which a program came in, and what the
    actor is allowed in that moment.
    """
    context = structlog.contextvars.get_contextvars()
    request_id = str(context.get("request_id", ""))[:36]
    if key := context.get("api_key"):
        detail["api_key"] = str(key)
    written = AuditEntry(
        actor=actor,
        actor_name=actor.get_username() if actor else by,
        action=action,
        object_type=target._meta.model_name or "",
        object_id=str(target.pk),
        object_name=str(target)[:255],
        organization_id=_organization_of(target),
        result=result,
        detail=detail,
        rights=rights.as_what(actor, target, request_id)[:60] if actor and request_id else "",
        request_id=request_id,
        address=str(context.get("address", ""))[:45],
    )
    written.mac = marks.mark(written)
    return written


def _organization_of(target: models.Model) -> UUID | None:
    if isinstance(target, Organization):
        return target.pk
    return getattr(target, "organization_id", None)

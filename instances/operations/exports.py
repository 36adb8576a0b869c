"""Take the record out of here, after an entry about that."""

from django.contrib.auth.models import User

from instances import access, audit
from instances.models import Installation


def record_export(*, actor: User, kind: str, filters: dict[str, str]) -> None:
    """
    Record that the audit record is handed out as a file; `filters` tells which part of it.

    :raises NotAllowedError: the actor may read none of it.
    """
    access.audit_entries_for(actor)
    audit.record(actor, "audit.exported", Installation.current(), kind=kind, filters=filters)

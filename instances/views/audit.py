"""The record of who did what, for those who administer: read, narrowed, exported."""

import csv
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from instances import access, operations
from instances.access import Action
from instances.audit import Span, every, excerpt
from instances.forms import AuditFilter
from instances.models import AuditEntry
from instances.views.detail import frame
from instances.views.finding import SignedInRequest, find_instance, missing_unless_allowed
from instances.views.history import event_of
from instances.views.second_check import privileged

COLUMNS = (
    *("id", "at", "actor_name", "action", "object_type", "object_id", "object_name"),
    *("organization_id", "result", "detail", "rights", "request_id", "address"),
)
# What a spreadsheet takes for the beginning of a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
LABELS = (("csv", "Export CSV"), ("jsonl", "Export JSON lines"))
KINDS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}


@privileged
@require_safe
@missing_unless_allowed
def audit_list(request: SignedInRequest) -> HttpResponse:
    """Show the record, newest first."""
    rows = access.audit_entries_for(request.user)
    filters = _filters(request)
    page = excerpt(filters.narrow(rows), filters.rest(), is_narrow=filters.is_narrow)
    lines = [(entry, event_of(entry), _facts(entry)) for entry in page.rows]
    context = {"filters": filters, "page": page, "lines": lines, "kinds": LABELS}
    return render(request, "instances/audit_list.html", context)


@privileged
@require_safe
@missing_unless_allowed
def instance_record(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Show what the record says of one instance, to whoever manages it."""
    instance = find_instance(request.user, pk)
    access.require(request.user, Action.MANAGE, instance)
    given = request.GET.get("before", "")
    before = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else 0
    days = Span.between(None, None)
    span = Span(days.bottom, min(days.top, before)) if before else days
    page = excerpt(AuditEntry.objects.filter(object_id=str(instance.pk)), span, is_narrow=True)
    lines = [(entry, event_of(entry), _facts(entry)) for entry in page.rows]
    context = frame(request.user, instance) | {"page": page, "lines": lines, "before": before}
    return render(request, "instances/instance_record.html", context)


@privileged
@require_POST
@missing_unless_allowed
def audit_export(request: SignedInRequest, kind: str) -> StreamingHttpResponse:
    """Hand out what the filters leave as a file, after the record of it."""
    if kind not in KINDS:
        raise Http404
    rows, filters = access.audit_entries_for(request.user), _filters(request)
    operations.record_export(actor=request.user, kind=kind, filters=filters.as_said())
    entries = every(filters.narrow(rows), filters.days())
    lines = _as_csv(entries) if kind == "csv" else map(_as_json, entries)
    answer = StreamingHttpResponse(lines, content_type=KINDS[kind])
    answer["Content-Disposition"] = f'attachment; filename="audit.{kind}"'
    return answer


def _filters(request: SignedInRequest) -> AuditFilter:
    audited = access.organizations_audited_by(request.user)
    return AuditFilter(request.GET, organizations=audited.order_by("name"))


def _facts(entry: AuditEntry) -> list[tuple[str, str]]:
    """Return the plain facts of an entry in words."""
    return [
        (name.replace("_", " "), value if isinstance(value, str) else json.dumps(value))
        for name, value in entry.detail.items()
        if value not in ("", None, [])
    ]


class _Line:
    """Takes what csv writes, and gives it back."""

    def write(self, text: str) -> str:
        return text


def _as_csv(entries: Iterator[AuditEntry]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield writer.writerow(COLUMNS)
    for entry in entries:
        yield writer.writerow([_safe(value) for value in _values(entry).values()])


def _as_json(entry: AuditEntry) -> str:
    return json.dumps(_values(entry)) + "\n"


def _values(entry: AuditEntry) -> dict[str, Any]:
    values = {name: getattr(entry, name) for name in COLUMNS}
    values["at"] = entry.at.isoformat()
    values["organization_id"] = str(entry.organization_id or "")
    return values


def _safe(value: Any) -> str:
    text = json.dumps(value) if isinstance(value, dict) else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text

"""What the platform's audit log tells of changes to instances: who, from where, with which request."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from instances.cloud_elements.client import CloudElementsClient
from instances.cloud_elements.documents import MAX_ID
from instances.cloud_elements.json_text import clean_text
from instances.cloud_elements.usage import any_moment, lines, number, path_of, words

# The platform's own page size.
PAGE = 200
MOST_PAGES = 50


@dataclass(frozen=True)
class AuditLogEntry:
    """One change of one instance, as the platform wrote it down."""

    key: str
    remote_id: int
    at: datetime
    status: int | None
    method: str
    path: str
    user: str
    address: str
    request_id: str

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> "AuditLogEntry | None":
        """Read an entry (SDK, help center); None if it names no instance or no moment."""
        at = any_moment(document.get("timestamp"))
        key = words(document.get("id"), 60)
        remote_id = number(document.get("instance_id"), most=MAX_ID)
        if at is None or not key or not remote_id:
            return None
        return cls(
            key=key,
            remote_id=remote_id,
            at=at,
            status=number(document.get("status"), most=999),
            method=clean_text(document.get("method"), 10),
            path=path_of(document.get("resource_uri")),
            user=words(document.get("user_id"), 100),
            address=clean_text(document.get("ip_address"), 45),
            request_id=key,
        )


def audit_logs(
    client: CloudElementsClient, *, since: datetime, remote_id: int | None = None
) -> Iterator[list[AuditLogEntry]]:
    """
    Yield the changes since a moment page by page, newest first; of one instance or of all.

    An entry's own id is the request id of the call (see the platform's assumptions).

    :raises CloudElementsError: not answered, refused, or not a list; from the page that was not had.
    """
    path = "/audit-logs/element-instances" + (f"/{remote_id}" if remote_id else "")
    query = {"from": since.astimezone(UTC).isoformat(), "pageSize": str(PAGE)}
    seen = {""}
    for _ in range(MOST_PAGES):
        listed, token = lines(client, path, query)
        entries = [entry for entry in map(AuditLogEntry.parse, listed) if entry]
        yield [entry for entry in entries if remote_id in (None, entry.remote_id)]
        if token in seen:
            return
        seen.add(token)
        query["nextPage"] = token

"""What the platform's usage tells of the calls made with an instance's token."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from instances.cloud_elements.client import CloudElementsClient
from instances.cloud_elements.documents import MAX_ID, moment
from instances.cloud_elements.errors import NotFoundError, UnavailableError
from instances.cloud_elements.json_text import clean_text
from instances.cloud_elements.lists import EMPTY_LIST
from instances.cloud_elements.refusals import document_of, error_from

# The platform's own page size.
MOST = 100


@dataclass(frozen=True)
class UsageEntry:
    """One call of an instance, as the platform kept it."""

    key: str
    at: datetime
    is_failed: bool
    status: int | None
    method: str
    path: str
    milliseconds: int | None
    user: str
    address: str
    request_id: str

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> "UsageEntry | None":
        """Read an entry (churros usage.schema.json; a newer sample has more); None without a moment."""
        at = any_moment(document.get("traffic_date"))
        key = clean_text(document.get("traffic_id") or document.get("request_id"), 60)
        if at is None or not key:
            return None
        status = number(document.get("response_status"), most=999)
        said = str(document.get("request_status") or "").upper()
        return cls(
            key=key,
            at=at,
            is_failed=said == "FAILED" or (status is not None and status >= 400),
            status=status,
            method=clean_text(document.get("request_method"), 10),
            path=path_of(document.get("request_uri")),
            milliseconds=number(document.get("process_time"), most=86_400_000),
            user=words(document.get("user_id"), 100),
            address=clean_text(document.get("request_ip"), 45),
            request_id=clean_text(document.get("request_id"), 60),
        )


def usage_of(client: CloudElementsClient, remote_id: int, *, since: datetime) -> list[UsageEntry]:
    """
    Return the newest calls of one instance since a moment, newest first, one page at most.

    GET /usage answers 404 for a range without data (developer portal). A filter may be ignored: what
    is said of another instance is left out.

    :raises CloudElementsError: not answered, refused, or not a list.
    """
    query = {"instanceIds[]": str(remote_id), "from": since.astimezone(UTC).isoformat()}
    listed, _ = lines(client, "/usage", query | {"pageSize": str(MOST)})
    mine = [line for line in listed if line.get("instance_id") in (remote_id, str(remote_id))]
    entries = [entry for entry in map(UsageEntry.parse, mine) if entry and entry.at >= since]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[:MOST]


def lines(
    client: CloudElementsClient, path: str, query: Mapping[str, str]
) -> tuple[list[Mapping[str, Any]], str]:
    """
    Return the documents of one page of a list, and the token of the next page, "" behind the last.

    The platform's "No … found" is an empty page.

    :raises CloudElementsError: not answered, refused, or not a list.
    """
    try:
        answer = client.ask(path, query)
    except NotFoundError as error:
        if EMPTY_LIST.search(error.platform_message):
            return [], ""
        raise
    listed = document_of(answer)
    if not isinstance(listed, list):
        raise error_from(UnavailableError, "garbled", answer)
    token = answer.headers.get("elements-next-page-token", "").strip()
    return [line for line in listed if isinstance(line, dict)], token


def any_moment(value: object) -> datetime | None:
    """Return an aware time from text, or from milliseconds: the sources do not say which it is."""
    milliseconds = number(value, most=MAX_ID)
    if milliseconds is None:
        return moment(value)
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def path_of(value: object) -> str:
    """Return a path without its query, which may carry what nobody should keep."""
    return clean_text(value, 300).partition("?")[0]


def number(value: object, *, most: int) -> int | None:
    """Return a whole number from 0 to `most`, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        return None
    return int(value)


def words(value: object, most: int) -> str:
    """Return a name or a number as text."""
    return clean_text(str(value), most) if isinstance(value, int | str) else ""

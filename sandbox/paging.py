"""Token paging as the help centre describes it: base64 of JSON, sent back as `nextPage`."""

import base64
import json
from typing import Any, Protocol

from sandbox.answers import PlatformError
from sandbox.call import Call
from sandbox.messages import Response, json_response


class Rows(Protocol):
    """A list, or something that reads no more of a table than the slice it is asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, wanted: slice) -> list[Any]: ...


def page(call: Call, items: Rows, usual_size: int = 0) -> Response:
    """Answer with the page that is asked for, and with the headers that lead to the next one."""
    switches = call.switches
    if not switches.paging:
        return json_response(items[:])
    size, number = _wanted(call, usual_size or switches.page_size)
    start, total = size * (number - 1), len(items)
    part = items[start : start + size]
    headers = {}
    if switches.count_headers:
        headers["Elements-Returned-Count"] = str(len(part))
        headers["Elements-Total-Count"] = str(total)
    if start + size < total:
        headers["Elements-Next-Page-Token"] = token(size, number + 1)
    return json_response(part, headers=headers)


def token(size: int, number: int) -> str:
    text = json.dumps({"pageSize": size, "page": number}, separators=(",", ":"))
    return base64.b64encode(text.encode()).decode().rstrip("=")


def _wanted(call: Call, usual_size: int) -> tuple[int, int]:
    sent = call.request.argument("nextPage")
    if sent:
        return _from_token(sent)
    size = _positive(call.request.argument("pageSize") or str(usual_size))
    number = _positive(call.request.argument("page") or "1")
    return min(size, call.switches.page_size_maximum), number


def _from_token(sent: str) -> tuple[int, int]:
    try:
        document = json.loads(base64.b64decode(sent + "=" * (-len(sent) % 4), validate=True))
        return _positive(str(document["pageSize"])), _positive(str(document["page"]))
    except (ValueError, KeyError, TypeError):
        raise PlatformError(400, "Invalid nextPage token") from None


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text[:9]) < 1:
        raise PlatformError(400, f"Invalid page size or page number: {text[:20]}")
    return int(text[:9])

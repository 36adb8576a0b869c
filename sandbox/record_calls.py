"""Answering for usage, its analytics, and the audit logs of instances."""

import time
from datetime import UTC, datetime
from typing import Any

from sandbox import instances, paging
from sandbox.answers import PlatformError
from sandbox.call import Call
from sandbox.messages import Response, json_response
from sandbox.records import AUDIT, INTERVALS, USAGE, Found, Question

DAY = 86400.0
USUAL_DAYS = 7.0
USAGE_PAGE, AUDIT_PAGE = 100, 200
SEARCHED = "lower(json_extract(document, '$.instance_name') || char(10) || json_extract(document, '$.request_uri'))"
HAS_TAG = "EXISTS (SELECT 1 FROM json_each(document, '$.instance_tags') WHERE value = ?)"


class _Shown:
    """Rows as the platform shows them, with the moment in the form that the switch says."""

    def __init__(self, found: Found, key: str, *, as_numbers: bool) -> None:
        self._found, self._key, self._as_numbers = found, key, as_numbers

    def __len__(self) -> int:
        return len(self._found)

    def __getitem__(self, wanted: slice) -> list[dict[str, Any]]:
        return [self._show(each) for each in self._found[wanted]]

    def _show(self, document: dict[str, Any]) -> dict[str, Any]:
        moment = document.pop("moment")
        shown = int(moment * 1000) if self._as_numbers else instances.timestamp(moment)
        return document | {self._key: shown}


def usage(call: Call) -> Response:
    """Answer GET /usage; a range without data is a 404, as the vendor's documentation says."""
    found = _shown(call, _usage_question(call), "traffic_date")
    if not len(found):
        raise PlatformError(404, "No usage found")
    return paging.page(call, found, USAGE_PAGE)


def one_usage(call: Call) -> Response:
    """Answer GET /usage/{id}: the id of the record, or of the request it is about."""
    wanted = call.parts["record"]
    question = _kept(call, USAGE)
    either = "json_extract(document, '$.traffic_id'), json_extract(document, '$.request_id')"
    question.add(f"? IN ({either})", wanted)
    rows = _shown(call, question, "traffic_date")[:1]
    if not rows:
        raise PlatformError(404, f"No usage found with ID {wanted}")
    return json_response(rows[0])


def analytics(call: Call) -> Response:
    """Answer GET /usage/analytics/{activity, statuses, times} per `interval`."""
    measure, interval = call.parts["measure"], call.request.argument("interval") or "day"
    if measure not in ("activity", "statuses", "times"):
        raise PlatformError(404, "No resource found at this path")
    if interval not in INTERVALS or not call.request.argument("from"):
        raise PlatformError(400, "The from, to and interval of the analytics are required")
    rows = call.platform.records.find(_usage_question(call)).per(interval)
    if not rows and measure != "activity":
        raise PlatformError(404, "No usage found")
    return json_response([_measured(measure, *row) for row in rows])


def _measured(
    measure: str, began: str, count: int, failed: int, milliseconds: float
) -> dict[str, Any]:
    shown: dict[str, Any] = {"timestamp": began, "count": count}
    if measure == "statuses":
        shown |= {"success": count - failed, "failed": failed}
    elif measure == "times":
        shown["averageProcessTime"] = round(milliseconds, 1)
    return shown


def audit(call: Call) -> Response:
    """Answer GET /audit-logs/element-instances, of all instances or of one."""
    question = _kept(call, AUDIT)
    _between(call, question, usual_days=call.switches.audit_days)
    for name, key in (("userId", "user_id"), ("accountId", "account_id")):
        question.any_of(f"json_extract(document, '$.{key}')", _numbers(call, name))
    if "instance" in call.parts:
        question.add("instance = ?", _number(call.parts["instance"]))
    found = _shown(call, question, "timestamp")
    if not len(found) and call.switches.empty_list_status == 404:
        raise PlatformError(404, "No audit logs found")
    return paging.page(call, found, AUDIT_PAGE)


def _shown(call: Call, question: Question, key: str) -> _Shown:
    found = call.platform.records.find(question)
    return _Shown(found, key, as_numbers=call.switches.log_dates_are_numbers)


def _usage_question(call: Call) -> Question:
    question = _kept(call, USAGE)
    _between(call, question, usual_days=USUAL_DAYS)
    question.any_of("json_extract(document, '$.element_key')", _values(call, "keys"))
    question.any_of("instance", _numbers(call, "instanceIds"))
    question.any_of("account", _numbers(call, "accountIds"))
    for tag in _values(call, "tags"):
        question.add(HAS_TAG, tag)
    status = (call.request.argument("status") or "").upper()
    if status:
        question.add("failed = ?", status == "FAILED")
    text = call.request.argument("searchText")
    if text:
        question.add(f"instr({SEARCHED}, lower(?)) > 0", text)
    return question


def _kept(call: Call, kind: str) -> Question:
    """Begin with what the caller may see and what is neither too new nor too old."""
    question, now, switches = Question(kind), time.time(), call.switches
    question.add("organization = ?", call.account.organization_id)
    if kind == USAGE:
        question.add("account = ?", call.account.id)
        question.add("time <= ?", now - switches.usage_lag)
    days = switches.usage_days if kind == USAGE else switches.audit_days
    question.add("time >= ?", now - days * DAY)
    return question


def _between(call: Call, question: Question, *, usual_days: float) -> None:
    until = _moment(call.request.argument("to"), time.time())
    since = _moment(call.request.argument("from"), until - usual_days * DAY)
    if since > until:
        raise PlatformError(400, "The from date must be before the to date")
    question.add("time BETWEEN ? AND ?", since, until)


def _moment(text: str | None, usual: float) -> float:
    if not text:
        return usual
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise PlatformError(400, f"Invalid date {text[:40]}") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _values(call: Call, name: str) -> list[str]:
    return [value for key, value in call.request.query if key in (name, f"{name}[]")]


def _numbers(call: Call, name: str) -> list[int]:
    return [_number(value) for value in _values(call, name)]


def _number(text: str) -> int:
    if not text.isdecimal():
        raise PlatformError(400, f"Invalid ID {text[:20]}")
    return int(text[:18])

"""What the platform writes down about calls: usage of instances, and who changed them."""

import json
import time
from typing import Any

from sandbox import answers
from sandbox.accounts import Account
from sandbox.call import Call
from sandbox.instances import Instance
from sandbox.platform import Platform
from sandbox.records import AUDIT, USAGE, Row

PLATFORM_MILLISECONDS = 15
LOCAL = "127.0.0.1"


def note(call: Call, status: int, request_id: str) -> None:
    """Write down a call that was answered, if it is of a kind that leaves a trace."""
    if call.caller is None:
        return
    if call.kind == "element" and call.instance:
        _note_usage(call, call.caller, call.instance, status, request_id)
    elif "instances" in call.request.path.split("/"):
        _note_change(call, call.caller, status, request_id)


def _note_usage(
    call: Call, account: Account, instance: Instance, status: int, request_id: str
) -> None:
    if status == 200 or call.switches.usage_keeps_refused:
        asked = (call.request.method, call.request.path)
        document = _usage(account, instance, asked, status, call.address, request_id)
        call.platform.records.add([_row(USAGE, account, time.time(), instance.id, document)])


def _note_change(call: Call, account: Account, status: int, request_id: str) -> None:
    reads, refused = call.request.method == "GET", status != 200
    number = _instance_meant(call)
    if (reads and (number is None or not call.switches.audit_keeps_reads)) or (
        refused and not call.switches.audit_keeps_refused
    ):
        return
    document = {
        "id": request_id,
        "method": call.request.method,
        "resource_uri": call.request.path,
        "status": status,
        "instance_id": number,
        "user_id": account.id,
        "account_id": account.id,
        "org_id": account.organization_id,
        "ip_address": call.address,
        "entity_id": None if number is None else str(number),
    }
    call.platform.records.add([_row(AUDIT, account, time.time(), number, document)])


def _instance_meant(call: Call) -> int | None:
    """Name the instance that was changed, or that the call was addressed to."""
    if call.entry.touched:
        return call.entry.touched
    text = call.parts.get("id", "")
    if text.isdecimal():
        return int(text[:18])
    return call.instance.id if call.instance and call.kind == "token" else None


def _row(
    kind: str, account: Account, moment: float, number: int | None, document: dict[str, Any]
) -> Row:
    failed = document.get("status", document.get("response_status")) != 200
    text = json.dumps(document | {"moment": moment})
    return kind, account.organization_id, account.id, moment, number, failed, text


def _usage(
    account: Account,
    instance: Instance,
    asked: tuple[str, str],
    status: int,
    address: str,
    request_id: str,
) -> dict[str, Any]:
    """Fill the keys that churros requires and those of a newer record seen in public."""
    method, path = asked
    return {
        "traffic_id": answers.new_request_id(),
        "request_id": request_id,
        "request_method": method,
        "request_uri": path,
        "request_ip": address,
        "request_status": "SUCCESS" if status == 200 else "FAILED",
        "response_status": status,
        "element_api": path.removeprefix("/elements/api-v2"),
        "element_key": instance.element.key,
        "element_name": instance.element.name,
        "instance_id": instance.id,
        "instance_name": instance.name,
        "instance_tags": list(instance.tags),
        "vendor_resource": path.rpartition("/")[2],
        "vendor_process_time": instance.provider_milliseconds,
        "platform_process_time": PLATFORM_MILLISECONDS,
        "process_time": instance.provider_milliseconds + PLATFORM_MILLISECONDS,
        "user_id": account.id,
        "account_id": account.id,
        "company_id": account.organization_id,
        "company_external_id": str(account.organization_id),
        "company_external_name": account.organization_name,
    }


def plant_usage(
    platform: Platform,
    account: Account,
    instance: Instance,
    *,
    count: int = 1,
    seconds_apart: float = 60.0,
    newest: float | None = None,
    status: int = 200,
    address: str = LOCAL,
    path: str = "/ping",
) -> int:
    """Add calls as if they had been made, the newest at `newest` (now if not said)."""
    end = time.time() if newest is None else newest
    asked = ("GET", f"/elements/api-v2{path}")
    rows = []
    for position in range(count):
        request_id = answers.new_request_id()
        document = _usage(account, instance, asked, status, address, request_id)
        moment = end - position * seconds_apart
        rows.append(_row(USAGE, account, moment, instance.id, document))
    platform.records.add(rows)
    return len(rows)


def plant_audit(platform: Platform, account: Account, sent: dict[str, Any]) -> dict[str, Any]:
    """Add an audit entry; `time` in seconds, the other keys are an entry's own."""
    number, moment = sent.get("instance_id"), sent.get("time", time.time())
    usual = {
        "id": answers.new_request_id(),
        "method": "PATCH",
        "resource_uri": f"/elements/api-v2/instances/{number}",
        "status": 200,
        "instance_id": number,
        "user_id": account.id,
        "account_id": account.id,
        "org_id": account.organization_id,
        "ip_address": LOCAL,
        "entity_id": str(number),
    }
    document = usual | {key: value for key, value in sent.items() if key in usual}
    platform.records.add([_row(AUDIT, account, moment, number, document)])
    return document

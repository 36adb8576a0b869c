"""The sandbox's usage and audit logs: who did what to which instance, from where, and when."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.running import Account, Sandbox
from tests.stand_in.wishes import Call

AUDIT = "/audit-logs/element-instances"
AUDIT_KEYS = {
    "id",
    "timestamp",
    "method",
    "resource_uri",
    "status",
    "instance_id",
    "user_id",
    "account_id",
    "org_id",
    "ip_address",
    "entity_id",
}
# What churros requires of an entry of usage.
USAGE_KEYS = {
    "user_id",
    "company_id",
    "process_time",
    "traffic_id",
    "request_status",
    "request_ip",
    "request_uri",
    "element_api",
    "request_id",
    "traffic_date",
    "company_external_id",
    "company_external_name",
}


@pytest.fixture
def instance(account: Account) -> dict[str, Any]:
    return account.add_instance(name="Billing", tags=["eu", "gold"])


def days_ago(number: float) -> str:
    return (datetime.now(UTC) - timedelta(days=number)).isoformat()


# Usage


def test_element_call_is_found_by_its_request_id(
    call: Call, account: Account, instance: dict[str, Any]
) -> None:
    request_id = call("GET", "/hubs/payment/products", instance["token"]).headers[
        "Elements-Request-Id"
    ]
    entry = call("GET", f"/usage/{request_id}").json()
    assert entry.keys() >= USAGE_KEYS
    assert (entry["request_ip"], entry["user_id"]) == ("127.0.0.1", account.id)
    assert (entry["instance_id"], entry["request_status"]) == (instance["id"], "SUCCESS")
    assert call("GET", f"/usage/{entry['traffic_id']}").json() == entry


def test_platform_calls_and_range_without_data_leave_no_usage(
    call: Call, instance: dict[str, Any]
) -> None:
    call("GET", f"/instances/{instance['id']}")
    answer = call("GET", "/usage")
    assert (answer.status_code, answer.json()["message"]) == (404, "No usage found")


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("tags[]=gold", 3),
        ("tags[]=gold&tags[]=silver", 404),
        ("keys[]=zuorav2", 3),
        ("keys[]=jira", 404),
        ("status=failed", 1),
        ("status=SUCCESS", 2),
        ("searchText=BILL", 3),
        ("instanceIds[]=1", 404),
        ("pageSize=2", 2),
    ],
)
def test_usage_is_filtered(
    call: Call, account: Account, instance: dict[str, Any], query: str, number: int
) -> None:
    account.add_usage(instance["id"], count=2)
    account.add_usage(instance["id"], status=503, address="203.0.113.9")
    answer = call("GET", f"/usage?{query}")
    assert (len(answer.json()) if answer.ok else answer.status_code) == number


def test_usage_shows_seven_days_unless_asked_and_thirty_at_most(
    call: Call, account: Account, instance: dict[str, Any]
) -> None:
    account.add_usage(instance["id"], count=40, seconds_apart=86400.0)
    assert len(call("GET", "/usage").json()) == 7
    params = {"from": days_ago(60)}
    assert len(call("GET", "/usage", params=params).json()) == 30
    account.set(usage_days=90.0)
    assert len(call("GET", "/usage", params=params).json()) == 40


def test_usage_is_paged_newest_first(
    call: Call, account: Account, instance: dict[str, Any]
) -> None:
    account.add_usage(instance["id"], count=150)
    first = call("GET", "/usage")
    token = first.headers["Elements-Next-Page-Token"]
    rest = call("GET", "/usage", params={"nextPage": token}).json()
    dates = [each["traffic_date"] for each in first.json() + rest]
    assert (len(first.json()), len(rest)) == (100, 50)
    assert dates == sorted(dates, reverse=True)


def test_usage_of_a_colleague_is_not_shown(
    call: Call, account: Account, instance: dict[str, Any]
) -> None:
    call("GET", "/ping", instance["token"])
    colleague = {"Authorization": account.add_user().authorization}
    assert call("GET", "/usage", headers=colleague).status_code == 404
    assert call("GET", "/usage").status_code == 200


def test_usage_can_lag(call: Call, account: Account, instance: dict[str, Any]) -> None:
    call("GET", "/ping", instance["token"])
    account.set(usage_lag=10.0)
    assert call("GET", "/usage").status_code == 404


def test_refused_call_is_in_usage_unless_switched_off(
    call: Call, account: Account, instance: dict[str, Any]
) -> None:
    account.change_instance(instance["id"], disabled=True)
    call("GET", "/ping", instance["token"])
    account.set(usage_keeps_refused=False)
    call("GET", "/ping", instance["token"])
    (entry,) = call("GET", "/usage").json()
    assert (entry["response_status"], entry["request_status"]) == (403, "FAILED")


def test_analytics_count_per_interval(
    call: Call, account: Account, instance: dict[str, Any]
) -> None:
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0) - timedelta(days=2)
    account.add_usage(instance["id"], count=3, newest=noon.timestamp())
    account.add_usage(instance["id"], status=500, newest=noon.timestamp() - 86400)
    params = {"from": days_ago(5), "interval": "day"}
    first, second = call("GET", "/usage/analytics/statuses", params=params).json()
    assert (first["count"], first["failed"], second["success"]) == (1, 1, 3)
    assert second["timestamp"] == noon.strftime("%Y-%m-%dT00:00:00Z")
    (_, times) = call("GET", "/usage/analytics/times", params=params).json()
    assert times["averageProcessTime"] == 135.0
    assert call("GET", "/usage/analytics/times").status_code == 400


@pytest.mark.parametrize("query", ["from=soon", "from=2026-02-02&to=2026-01-01"])
def test_odd_ranges_are_refused(call: Call, query: str) -> None:
    assert call("GET", f"/usage?{query}").status_code == 400
    assert call("GET", f"{AUDIT}?{query}").status_code == 400


# Audit logs


def test_changes_are_logged_with_user_address_and_request_id(call: Call, account: Account) -> None:
    body = {"element": {"key": "echo"}, "name": "Echo"}
    created = call("POST", "/instances", json=body)
    path = f"/instances/{created.json()['id']}"
    disabled = call("DELETE", f"{path}/enabled")
    entries = call("GET", f"{AUDIT}/{created.json()['id']}").json()
    assert [each["id"] for each in entries] == [
        each.headers["Elements-Request-Id"] for each in (disabled, created)
    ]
    assert entries[0].keys() == AUDIT_KEYS
    assert (entries[0]["method"], entries[0]["resource_uri"]) == (
        "DELETE",
        f"/elements/api-v2{path}/enabled",
    )
    assert (entries[0]["user_id"], entries[0]["ip_address"]) == (account.id, "127.0.0.1")


def test_refused_changes_and_reads_are_logged_as_switched(
    call: Call, account: Account, instance: dict[str, Any]
) -> None:
    path = f"/instances/{instance['id']}"
    account.set(audit_keeps_refused=False)
    call("PATCH", path, json={"name": ""})
    assert call("GET", AUDIT).status_code == 404
    account.set(audit_keeps_refused=True, audit_keeps_reads=True)
    call("PATCH", path, json={"name": ""})
    call("GET", path)
    found = [(each["method"], each["status"]) for each in call("GET", AUDIT).json()]
    assert found == [("GET", 200), ("PATCH", 400)]


def test_change_by_token_is_logged(call: Call, instance: dict[str, Any]) -> None:
    call("PATCH", "/instances", instance["token"], json={"name": "New"})
    (entry,) = call("GET", AUDIT).json()
    assert entry["instance_id"] == instance["id"]


def test_colleagues_changes_are_seen_and_filtered_by_user(
    sandbox: Sandbox, call: Call, account: Account, instance: dict[str, Any]
) -> None:
    colleague = account.add_user()
    colleague.add_audit_log(instance["id"], ip_address="203.0.113.9")
    account.add_audit_log(instance["id"])
    (entry,) = call("GET", AUDIT, params={"userId": str(colleague.id)}).json()
    assert (entry["user_id"], entry["ip_address"]) == (colleague.id, "203.0.113.9")
    assert len(call("GET", AUDIT).json()) == 2
    stranger = {"Authorization": sandbox.new_account().authorization}
    assert call("GET", AUDIT, headers=stranger).status_code == 404


def test_old_audit_entries_are_gone(call: Call, account: Account, instance: dict[str, Any]) -> None:
    account.add_audit_log(instance["id"], time=time.time() - 100 * 86400)
    assert len(call("GET", AUDIT).json()) == 1
    account.set(audit_days=90.0)
    assert call("GET", AUDIT).status_code == 404


def test_dates_can_be_numbers(call: Call, account: Account, instance: dict[str, Any]) -> None:
    account.set(log_dates_are_numbers=True)
    account.add_usage(instance["id"], newest=time.time() - 1)
    assert isinstance(call("GET", "/usage").json()[0]["traffic_date"], int)

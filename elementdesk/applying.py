"""A plan, done as it was looked at; and instances.yaml for what is there."""

import argparse
import json
from datetime import UTC, datetime
from typing import Any

import yaml

from elementdesk import planning, wanted
from elementdesk.failures import Exit, LostError, NotDoneError, plain
from elementdesk.instances import every, follow, say
from elementdesk.planning import Plan, Step
from elementdesk.server import Server


def apply(server: Server, asked: argparse.Namespace) -> Exit:
    """Do the steps of the plan that was looked at, and no other ones."""
    entries = wanted.read(asked.file)
    plan = planning.made(server, entries)
    if plan.hash != asked.plan:
        sentence = (
            "The file, or what is there, is not what that plan was made of any more: look at the "
            f"new one with elementdesk plan {asked.file}."
        )
        raise NotDoneError(Exit.REFUSED, sentence)
    # Every secret is at hand before the first request leaves.
    creations = [step for step in plan.steps if step.kind == "create"]
    by_name = {entry.name: entry for entry in entries}
    configurations = [wanted.resolved(by_name[step.name]) for step in creations]
    made = [
        _create(server, plan, step, configuration)
        for step, configuration in zip(creations, configurations, strict=True)
    ]
    for step, operation in zip(creations, made, strict=True):
        follow(server, operation, asked.timeout)
        say(plain(f"created {step.name}: {operation['instance_id']}"))
        for share in step.wish.get("shares", []):
            _share(server, operation["instance_id"], share)
    for step in plan.steps:
        if step.kind not in ("create", "wait"):
            _carry_out(server, step, asked)
            say(plain(f"{step.kind} {step.name}: done"))
    return Exit.DONE


def _create(
    server: Server, plan: Plan, step: Step, configuration: dict[str, str | bool]
) -> dict[str, Any]:
    body = {
        "element": {"key": step.wish["element"]},
        "name": step.name,
        "tags": step.wish.get("tags", []),
        "environment": step.wish.get("environment", ""),
        "configuration": configuration,
    }
    # The same step of the same plan is the same request, whatever became of its answer.
    once = f"plan-{plan.hash}-{plan.steps.index(step)}"
    try:
        answer: dict[str, Any] = server.post(
            "instances", json.dumps(body).encode(), Idempotency_Key=once
        )
    except LostError as error:
        sentence = f"{error.sentence} {step.name} may have been asked for: run plan again to see."
        raise NotDoneError(Exit.NEEDS_PERSON, sentence) from None
    return answer


def _carry_out(server: Server, step: Step, asked: argparse.Namespace) -> None:
    path = f"instances/{step.instance_id}"
    if step.kind == "share":
        _share(server, step.instance_id, step.wish)
        return
    if step.kind == "change":
        operation = server.patch(path, json.dumps(step.wish).encode())
    else:
        body = json.dumps({"reason": asked.reason or f"Plan {asked.plan}"}).encode()
        operation = server.post(f"{path}/{step.kind}", body)
    follow(server, operation, asked.timeout)


def _share(server: Server, instance_id: str, share: dict[str, str]) -> None:
    server.post(f"instances/{instance_id}/shares", json.dumps(share).encode())


def export(server: Server, asked: argparse.Namespace) -> Exit:
    """Print the file for what is there; a plan of it has nothing to do."""
    rows = [row for row in every(server, {}) if row["status"] in planning.AT_REST]
    entries = [_entry(server, row) for row in reversed(rows)]
    head = (
        "# Configuration is not in here: nothing of it is sent for an instance that is there.\n"
        "# To make another one, name its entries, secrets as env:NAME, file:PATH or prompt:.\n"
    )
    shown = yaml.safe_dump({"instances": entries}, allow_unicode=True, sort_keys=False, width=100)
    say(head + shown.rstrip("\n"))
    return Exit.DONE


def _entry(server: Server, row: dict[str, Any]) -> dict[str, Any]:
    shares = server.get(f"instances/{row['id']}/shares")["items"]
    entry = {
        "name": row["name"],
        "id": row["id"],
        "element": row["element_key"],
        "environment": row["environment"],
        "tags": row["tags"],
        "enabled": row["status"] == "active",
        "shares": [_shared(share) for share in shares if not _has_ended(share)],
    }
    return {name: value for name, value in entry.items() if value not in ("", [])}


def _has_ended(share: dict[str, Any]) -> bool:
    until = share["until"]
    return until is not None and datetime.fromisoformat(until) <= datetime.now(UTC)


def _shared(share: dict[str, Any]) -> dict[str, str]:
    told = {name: share[name] for name in ("person", "team", "level") if share[name]}
    return told | ({"until": share["until"][:10]} if share["until"] else {})

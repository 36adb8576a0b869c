"""
One Elementdesk under load: its rows, its worker, its web; steered by lines of JSON on standard input.

python -m tests.started bench.desk, with the settings in the environment. Each line names a measurement
below and its options; the answer is a line of JSON.
"""

import json
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

import psutil
import redis
import requests
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from bench import measure
from instances import operations, tags, tasks, vault
from instances.models import (
    Attempt,
    AuditEntry,
    Evidence,
    Instance,
    InstanceStatus,
    InstanceTag,
    Membership,
    Operation,
    OperationKind,
    OperationSecret,
    Organization,
    Role,
)
from instances.models.states import CLAIMABLE
from instances.secret import Secret

PASSWORD = "a bench password of nobody"
CONFIGURATION = {
    "zuorav2.sandbox": True,
    "username": "bench@example.com",
    "password": "not-a-real-password",
}
WAIT_SECONDS = 240.0
WORKER = ["worker", "--pool", "threads", "--concurrency", "4", "--without-gossip"]
REQUEST_ID = re.compile(r'name="client_request_id" value="([^"]+)"')
BUSY = re.compile(r'hx-trigger="every (\d+)(ms|s)"')


class Desk:
    """The rows and the processes of one installation."""

    def __init__(self) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        self.owner = User.objects.create_user("bench", password=PASSWORD)
        self.organization = self._organization()
        self.worker = self._start(
            "celery", "--quiet", "--app", "config", *WORKER, "--without-mingle"
        )
        self.web: subprocess.Popen[bytes] | None = None
        self.names = count(1)
        self.pids = {"worker": self.worker.pid, "broker": _broker_pid()}
        if connection.vendor == "postgresql":
            self.pids["database"] = _database_pid()

    def _organization(self) -> Organization:
        organization = operations.create_organization(
            actor=None,
            name="Bench",
            base_url=f"{os.environ['BENCH_PLATFORM']}/elements/api-v2",
            secrets=operations.SecretPair(Secret("dXNlcg=="), Secret("b3JnYW5pemF0aW9u")),
        )
        Membership.objects.create(user=self.owner, organization=organization, role=Role.ADMIN)
        # One account gets all that a worker may have in flight.
        organization.calls_in_flight = 4 * settings.ENGINE["CALLS_IN_FLIGHT"]
        organization.save(update_fields=["calls_in_flight"])
        return organization

    def _start(self, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", module, *arguments], stdout=sys.stderr)

    def close(self) -> None:
        for process in (self.worker, self.web):
            if process is not None:
                process.terminate()
                process.wait(120)

    def provision(self, number: int) -> dict[str, Any]:
        """Queue `number` instances, let the worker loose, wait for the last."""
        self._queue(number)
        spent = self._cpu()
        began = time.monotonic()
        Organization.objects.update(is_active=True)
        tasks.ring(self.organization.pk)
        peak = self._wait()
        seconds = time.monotonic() - began
        used = {name: (now - spent[name]) / number for name, now in self._cpu().items()}
        self._check(number)
        return {"seconds": seconds, "cpu": used, "memory": peak, "paces": self._paces(number)}

    def _queue(self, number: int) -> None:
        """Write rows as `operations.request_instance` does, many in a statement."""
        Organization.objects.update(is_active=False)
        for size in [1000] * (number // 1000) + [number % 1000]:
            self._write(size)

    def _write(self, number: int) -> None:
        instances = [
            Instance(
                organization=self.organization,
                owner=self.owner,
                name=f"Instance {next(self.names)}",
                element_key="zuorav2",
                environment="sandbox",
            )
            for _ in range(number)
        ]
        wishes = [self._wish(instance) for instance in instances]
        secrets = [_credentials(wish) for wish in wishes]
        Instance.objects.bulk_create(instances)
        InstanceTag.objects.bulk_create(
            InstanceTag(instance=one, name="bench") for one in instances
        )
        Operation.objects.bulk_create(wishes)
        OperationSecret.objects.bulk_create(secrets)

    def _wish(self, instance: Instance) -> Operation:
        wish = Operation(
            kind=OperationKind.CREATE,
            instance=instance,
            organization=self.organization,
            requester=self.owner,
            client_request_id=uuid.uuid4(),
        )
        wish.tag = tags.tag_for(wish)
        wish.payload = {
            "element_key": instance.element_key,
            "name": instance.name,
            "tags": ["bench", wish.tag],
            "configuration_keys": list(CONFIGURATION),
        }
        return wish

    def _wait(self) -> float:
        """Wait until all is final; return the worker's largest memory in MB, looked at twice a second."""
        end, look, peak = time.monotonic() + WAIT_SECONDS, 0.0, 0.0
        while Operation.objects.filter(state__in=CLAIMABLE).exists():
            if time.monotonic() > end:
                raise TimeoutError("the worker does not finish")
            if time.monotonic() > look:
                peak, look = max(peak, measure.memory(self.worker.pid)), time.monotonic() + 2
            time.sleep(0.03)
        return max(peak, measure.memory(self.worker.pid))

    def _cpu(self) -> dict[str, float]:
        return {name: measure.cpu(pid) for name, pid in self.pids.items()}

    def _check(self, number: int) -> None:
        """Fail if a guarantee was left out: each has its attempt, evidence, token and record."""
        newest = Operation.objects.order_by("-id")[:number]
        made = Instance.objects.filter(operations__in=list(newest), status=InstanceStatus.ACTIVE)
        counted = {
            "active": made.exclude(token="").count(),
            "attempts": Attempt.objects.filter(
                operation__in=list(newest), outcome="succeeded"
            ).count(),
            "evidence": Evidence.objects.filter(attempt__operation__in=list(newest)).count(),
            "records": AuditEntry.objects.filter(
                action="instance.created", object_id__in=[str(one.pk) for one in made]
            ).count(),
        }
        if set(counted.values()) != {number} or OperationSecret.objects.exists():
            raise ValueError(f"not all of {number} are whole: {counted}")

    def _paces(self, number: int) -> list[float]:
        """Return how many a second each thousand was, in the order in which they ended."""
        newest = Operation.objects.order_by("-id").values_list("finished_at", flat=True)[:number]
        ended = sorted(moment for moment in newest if moment)
        parts = [ended[at : at + 1000] for at in range(0, number, 1000)]
        return [len(part) / (part[-1] - part[0]).total_seconds() for part in parts if len(part) > 1]

    def submit(self, number: int, port: int) -> dict[str, Any]:
        """Ask for `number` instances over HTTP, one after another; time each to the token's page."""
        Organization.objects.update(is_active=True)
        browser = self._browser(port)
        shown = [self._ask(browser, port) for _ in range(number)]
        newest = Operation.objects.order_by("-id")[:number]
        return {"shown": shown, "saved": {one.tag: one.created_at.timestamp() for one in newest}}

    def _browser(self, port: int) -> requests.Session:
        if self.web is None:
            options = ["--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--threads", "8"]
            self.web = self._start("gunicorn", "config.wsgi", *options, "--log-level", "warning")
        base, browser = f"http://127.0.0.1:{port}", requests.Session()
        browser.trust_env = False
        _until(lambda: browser.get(f"{base}/livez", timeout=5).ok)
        browser.get(f"{base}/sign-in/", timeout=5)
        form = {"username": "bench", "password": PASSWORD}
        _post(browser, f"{base}/sign-in/", form)
        assert "sessionid" in browser.cookies
        return browser

    def _ask(self, browser: requests.Session, port: int) -> float:
        """Submit the form, and do as the page does: ask as often as it says, then copy the token."""
        form = f"http://127.0.0.1:{port}/instances/new/"
        found = REQUEST_ID.search(browser.get(form, timeout=5).text)
        assert found
        typed = {
            "client_request_id": found[1],
            "organization": str(self.organization.pk),
            "name": f"Instance {next(self.names)}",
            "is_sandbox": "on",
            "authentication_type": "basic",
            "username": "bench@example.com",
            "password": "not-a-real-password",
        }
        began = time.monotonic()
        answer = _post(browser, form, typed)
        while pace := BUSY.search(answer.text):
            time.sleep(int(pace[1]) / (1000 if pace[2] == "ms" else 1))
            answer = browser.get(answer.url, timeout=5)
        token = _post(browser, f"{answer.url}token/reveal/", {"purpose": "copy"}).json()["token"]
        assert token
        return time.monotonic() - began


def _post(browser: requests.Session, url: str, form: dict[str, str]) -> requests.Response:
    csrf = browser.cookies.get("csrftoken") or ""
    headers = {"Referer": url}
    if url.endswith("reveal/"):
        headers["Accept"] = "application/json"
    answer = browser.post(url, {**form, "csrfmiddlewaretoken": csrf}, headers=headers, timeout=10)
    answer.raise_for_status()
    return answer


def _until(truth: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            if truth():
                return
        except requests.ConnectionError:
            if time.monotonic() > end:
                raise
        time.sleep(0.1)


def _credentials(wish: Operation) -> OperationSecret:
    held = OperationSecret(operation=wish, expires_at=timezone.now() + timedelta(days=1))
    held.sealed = vault.seal(held, "sealed", json.dumps(CONFIGURATION))
    return held


def _broker_pid() -> int:
    broker = redis.Redis.from_url(settings.CELERY_BROKER_URL)
    answer: Any = broker.info("server")
    return int(answer["process_id"])


def _database_pid() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        mine = psutil.Process(cursor.fetchone()[0])
    return int(mine.ppid())


def main() -> None:
    desk = Desk()
    measurements: dict[str, Callable[..., dict[str, Any]]] = {
        "provision": desk.provision,
        "submit": desk.submit,
    }
    try:
        for line in sys.stdin:
            asked = json.loads(line)
            answer = measurements[asked.pop("measure")](**asked)
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
    finally:
        desk.close()


if __name__ == "__main__":
    main()

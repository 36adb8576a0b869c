"""Planted secrets are nowhere: not in the database, the broker, the logs, or any page's source."""

import base64
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import redis
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from instances.models import Instance, InstanceStatus, Organization
from sandbox.running import Account
from tests.workers import Worker, empty_broker, wait_for

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

CONTROL = "control-0f3a9c-planted-on-purpose"
Ask = Callable[..., Instance]


def forms_of(secret: str) -> set[bytes]:
    """The usual encodings of a secret: plain, URL, JSON, hex, base64 at its three alignments."""
    raw = secret.encode()
    encoded = {raw, quote(secret, safe="").encode(), json.dumps(secret)[1:-1].encode()}
    encoded |= {raw.hex().encode(), raw.hex().upper().encode()}
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + raw)
        encoded.add(text[4 if shift else 0 : -4])
    return encoded


def found_in(sink: bytes, secrets: dict[str, str]) -> list[str]:
    return [name for name, secret in secrets.items() if any(f in sink for f in forms_of(secret))]


def database_dump() -> bytes:
    """Every value of every column of every table, as the database holds it."""
    pieces = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            pieces += [str(row) for row in cursor.fetchall()]
    if connection.vendor == "sqlite":
        name = str(connection.settings_dict["NAME"])
        files = [Path(name + ending) for ending in ("", "-wal") if Path(name + ending).exists()]
        return "\n".join(pieces).encode() + b"".join(file.read_bytes() for file in files)
    return "\n".join(pieces).encode()


class Listener(logging.Handler):
    """Keeps every log line of this process, formatted, tracebacks and all."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(logging.Formatter().format(record) + str(record.__dict__))


@pytest.fixture
def listener() -> Listener:
    heard = Listener()
    logging.getLogger().addHandler(heard)
    return heard


@pytest.fixture
def secrets_of(account: Account) -> dict[str, str]:
    return {
        "user secret": account.user_secret,
        "organization secret": account.organization_secret,
        "password": account.sandbox.password,
        "client secret": account.sandbox.client_secret,
        "wrong password": "planted-wrong-password-7Q",
        "lost password": "planted-lost-password-7Q",
    }


def live_through_everything(ask: Ask, account: Account, secrets: dict[str, str]) -> None:
    """An instance of each kind and fate: ready, adopted, refused, echoed, unmasked, unknown."""
    custom = {
        "zuorav2.sandbox": True,
        "authentication.type": "custom",
        "clientId": account.sandbox.client_id,
        "clientSecret": account.sandbox.client_secret,
    }
    basic = {"zuorav2.sandbox": True, "username": account.sandbox.username}
    account.fault("unmasked", times=None)
    ask(name=CONTROL)
    ask(name="custom", configuration=custom)
    ask(name="refused", configuration=basic | {"password": secrets["wrong password"]})
    wait_for(lambda: Instance.objects.filter(status=InstanceStatus.REJECTED).exists())
    wait_for(lambda: Instance.objects.filter(status=InstanceStatus.ACTIVE).count() == 2)
    account.fault("commit then drop")
    ask(name="adopted")
    wait_for(lambda: Instance.objects.filter(status=InstanceStatus.ACTIVE).count() == 3)
    account.fault("drop before commit", times=None)
    ask(name="lost", configuration=basic | {"password": secrets["lost password"]})
    wait_for(lambda: Instance.objects.filter(status=InstanceStatus.UNKNOWN).exists())


def page_sources(client: Client) -> bytes:
    """Every page about every row, and every page of Django admin, as one person sees them."""
    names = ["detail", "configuration", "instance_activity", "token", "sharing"]
    paths = [reverse(f"instances:{n}", args=[i.pk]) for i in Instance.objects.all() for n in names]
    plain = ["list", "new", "activity", "organizations", "organization_new", "account"]
    paths += [reverse(f"instances:{name}") for name in plain]
    for organization in Organization.objects.all():
        paths.append(reverse("instances:organization", args=[organization.pk]))
    for model in ("instance", "operation", "attempt", "organization", "share", "auditentry"):
        paths.append(reverse(f"admin:instances_{model}_changelist"))
    for one in Instance.objects.all():
        paths.append(reverse("admin:instances_instance_change", args=[one.pk]))
    answers = [client.get(path) for path in paths]
    assert {answer.status_code for answer in answers} == {200}
    return b"".join(answer.content + str(answer.headers).encode() for answer in answers)


def test_planted_secrets_are_nowhere(
    ask: Ask,
    account: Account,
    operator: User,
    secrets_of: dict[str, str],
    listener: Listener,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    empty_broker()
    broker: Any = redis.Redis.from_url(settings.CELERY_BROKER_URL)
    worker = Worker(tmp_path, LOG_LEVEL="DEBUG")
    client = Client()
    operator.is_superuser = operator.is_staff = True
    operator.save()
    client.force_login(operator)
    missing = {"password": secrets_of["wrong password"], "client_secret": secrets_of["password"]}
    refused_form = client.post(reverse("instances:new"), missing).content
    with broker.monitor() as overheard:
        live_through_everything(ask, account, secrets_of)
        logging.getLogger("test").warning(CONTROL)
        broker.set("control", CONTROL)
        messages = overhear(overheard, until=CONTROL)
    worker.stop()
    broker.delete("control")
    call_command("dumpdata", "instances")
    secrets = secrets_of | {f"token {i}": row["token"] for i, row in enumerate(account.instances())}
    sinks = {
        "database": database_dump(),
        "export": capsys.readouterr().out.encode(),
        "broker": messages,
        "log of the web": "\n".join(listener.lines).encode(),
        "pages": page_sources(client) + refused_form,
    }
    assert {name: found_in(sink, secrets) for name, sink in sinks.items()} == {
        name: [] for name in sinks
    }
    log = worker.log.read_bytes()
    assert found_in(log, secrets) == []
    assert b"doorbell" in log
    control = {"control": CONTROL}
    assert {name: found_in(sink, control) for name, sink in sinks.items()} == {
        name: ["control"] for name in sinks
    }


def overhear(monitor: Any, until: str) -> bytes:
    """Return every command that the broker received, up to the one that holds `until`."""
    heard: list[str] = []
    while not heard or until not in heard[-1]:
        heard.append(str(monitor.next_command()))
    return "\n".join(heard).encode()


@pytest.mark.parametrize("alignment", range(3))
def test_the_scan_finds_a_secret_inside_base64(alignment: int) -> None:
    hidden = base64.b64encode(b"x" * alignment + CONTROL.encode() + b"yy")
    assert found_in(hidden, {"control": CONTROL}) == ["control"]

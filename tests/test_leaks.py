"""Planted secrets are nowhere: not in the database, the broker, the logs, or any page's source."""

import logging
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from config.celery import app as celery
from instances.models import Instance, InstanceStatus, Organization, Role, Webhook
from sandbox.running import Account
from tests.leaks.made_here import make_secrets
from tests.leaks.scanner import Pieces, Sink, files, scan, table, text
from tests.workers import Worker, empty_broker, wait_for

pytestmark = [
    pytest.mark.processes,
    pytest.mark.once,
    pytest.mark.django_db(transaction=True),
]

CONTROL = "control-0f3a9c-planted-on-purpose"
NO_TASK = "control-7b81d2-no-such-task"
Ask = Callable[..., Instance]


def database_dump() -> bytes:
    """Every value of every column of every table."""
    pieces = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            pieces += [str(row) for row in cursor.fetchall()]
    return "\n".join(pieces).encode()


def database_files() -> Callable[[], Pieces]:
    """The file of SQLite and its log, with what was deleted in them; a server's are its own."""
    if connection.vendor != "sqlite":
        return text("database", database_dump())
    name = str(connection.settings_dict["NAME"])
    present = [name + end for end in ("", "-wal") if Path(name + end).exists()]
    # Read by another process: closing a file gives up every POSIX lock that this process holds on
    # it, SQLite's too, and a worker that ends would then delete the log under our connection.
    return text("database files", subprocess.check_output(["/bin/cat", *present]))


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
    plain += ["account_factors", "account_sessions", "keys", "key_new", "preferences", "status"]
    paths += [reverse(f"instances:{name}") for name in [*plain, "notifications", "audit_list"]]
    paths += [reverse("api:openapi"), reverse("api:documentation")]
    about = ["organization", "organization_people", "organization_teams", "organization_keys"]
    about += ["organization_invitations", "webhooks", "webhook_new"]
    for organization in Organization.objects.all():
        paths += [reverse(f"instances:{name}", args=[organization.pk]) for name in about]
    for webhook in Webhook.objects.all():
        paths.append(reverse("instances:webhook", args=[webhook.pk]))
    models = ["instance", "operation", "attempt", "organization", "share", "auditentry"]
    for model in [*models, "apikey", "secondfactor", "webhook", "delivery"]:
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
    operator.memberships.update(role=Role.ADMIN)
    client.force_login(operator)
    missing = {"password": secrets_of["wrong password"], "client_secret": secrets_of["password"]}
    refused_form = client.post(reverse("instances:new"), missing).content
    made = make_secrets(operator, Organization.objects.get())
    made["session"] = client.cookies[settings.SESSION_COOKIE_NAME].value
    with broker.monitor() as overheard:
        celery.send_task(NO_TASK)  # of which the worker complains in its log
        live_through_everything(ask, account, secrets_of)
        logging.getLogger("test").warning(CONTROL)
        broker.set("control", CONTROL)
        messages = overhear(overheard, until=CONTROL)
    wait_for(lambda: NO_TASK.encode() in worker.log.read_bytes())
    worker.stop()
    broker.delete("control")
    call_command("dumpdata", "instances")
    secrets = (
        secrets_of
        | made
        | {f"token {i}": row["token"] for i, row in enumerate(account.instances())}
    )
    reads = {
        "database": text("rows", database_dump()),
        "database files": database_files(),
        "export": text("dumpdata", capsys.readouterr().out.encode()),
        "broker": text("overheard", messages),
        "log of the web": text("lines", "\n".join(listener.lines).encode()),
        "log of the worker": files(worker.log),
        "pages": text("sources", page_sources(client) + refused_form),
    }
    controls = dict.fromkeys(reads, CONTROL) | {"log of the worker": NO_TASK}
    results = scan([Sink(name, controls[name], read) for name, read in reads.items()], secrets)
    hits = {result.name: result.hits for result in results if result.hits}
    assert hits == {}
    assert all(result.is_clean for result in results), (table(results), results)
    assert b"doorbell" in worker.log.read_bytes()


def overhear(monitor: Any, until: str) -> bytes:
    """Return every command that the broker received, up to the one that holds `until`."""
    heard: list[str] = []
    while not heard or until not in heard[-1]:
        heard.append(str(monitor.next_command()))
    return "\n".join(heard).encode()

"""Real exceptions at every place that holds a secret: lost tables, broken templates, no database."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tests.leaks.journey import Journey
from tests.leaks.visitor import Visitor

TABLES = (
    "instances_operation",
    "instances_operationsecret",
    "instances_instance",
    "instances_organization",
    "instances_auditentry",
    "instances_sealingkey",
    "instances_membership",
    "auth_user",
    "instances_session",
    "instances_secondfactor",
    "instances_recoverycode",
    "instances_invitation",
    "instances_externalidentity",
    "instances_webhook",
    "instances_apikey",
    "django_admin_log",
)
FEW_TABLES = ("instances_operationsecret", "instances_auditentry")
MANY_FIELDS = 300


class Renaming(Protocol):
    """A database whose tables can be hidden."""

    def rename(self, table: str, name: str) -> None: ...


@contextmanager
def hidden(database: Renaming, table: str) -> Iterator[None]:
    """Take a table away for a while."""
    database.rename(table, f"{table}_hidden")
    try:
        yield
    finally:
        database.rename(f"{table}_hidden", table)


def fail(journey: Journey, visitor: Visitor, stranger: Visitor) -> None:
    """Send a secret through every door; something behind each is broken."""
    token = f"/instances/{journey.instances[0]}/token/reveal/"
    secrets = {
        "user_secret": journey.account.user_secret,
        "organization_secret": journey.account.organization_secret,
    }
    organization = {"name": "First", "base_url": journey.sandbox.base_url, "is_active": "on"}
    path = f"/organizations/{journey.organization}/"
    visitor.post("/instances/new/", **journey.form("Failed"))
    visitor.post("/instances/new/preview/", **journey.form("Failed"))
    visitor.post(path, **organization, **secrets)
    visitor.post("/organizations/new/", **{**organization, "name": "Failed"}, **secrets)
    visitor.post(token, purpose="reveal")
    visitor.post("/sign-in/confirm/", password=journey.password)
    newcomer = {"password": journey.password, "again": journey.password + "x"}
    stranger.get(f"/invitation/?link={journey.invited[-1]}")
    stranger.post("/invitation/accept/", username="ned", **newcomer)
    body = {"configuration": {"password": journey.account.sandbox.password}, "name": "Failed"}
    stranger.send("/api/v1/instances", json=body, headers=journey.header)
    stranger.send(f"/api/v1{token.removesuffix('reveal/').rstrip('/')}", headers=journey.header)
    typed = {f"typed_{name}": value for name, value in secrets.items()}
    visitor.post("/admin/instances/organization/add/", **organization, **typed)
    stranger.post("/sign-in/", username="root", password=journey.password)
    # Its path is in the log, and leads to rows that are not there.
    visitor.get(f"/admin/instances/instance/{journey.planted.control}/change/")
    visitor.get(f"/{journey.planted.control}/")


def change_password(journey: Journey, visitor: Visitor, *, is_mistyped: bool = False) -> None:
    """Begin to change a password where that cannot end well."""
    fresh = journey.password + "x"
    old = fresh if is_mistyped else journey.password
    fields = {"old_password": old, "new_password1": fresh, "new_password2": fresh}
    visitor.post("/account/password/", **fields)


def lose_tables(
    journey: Journey, database: Renaming, tables: tuple[str, ...], people: tuple[Visitor, Visitor]
) -> None:
    """Let everything fail for want of each table in turn."""
    for table in tables:
        with hidden(database, table):
            fail(journey, *people)
            if table in ("auth_user", "instances_session"):
                change_password(journey, people[0])


def refuse(journey: Journey, visitor: Visitor, stranger: Visitor) -> None:
    """Provoke every other error page: 400, 403, 404, 405, 413."""
    form = journey.form("Refused")
    stranger.get("/livez", headers={"Host": "evil.example"})
    visitor.get("/nothing/here/")
    visitor.get("/static/nothing.css")
    visitor.get("/instances/%00/?q=%00&after=%00")
    visitor.forge("/instances/new/", **form)
    many = {f"field{number}": journey.account.user_secret for number in range(MANY_FIELDS)}
    visitor.post("/instances/new/", **many)
    visitor.post("/instances/new/", **{**form, "password": journey.account.user_secret * 9000})
    head = {"Content-Type": "multipart/form-data; boundary=x"}
    broken = f"--x\r\n{journey.account.sandbox.password}\r\n".encode()
    visitor.send("/instances/new/", data=broken, headers=head)
    visitor.send("/livez", data=form)
    visitor.get(f"/organizations/{journey.organization}/search/")
    stranger.get(f"/activity/?q={journey.planted.control}")


def break_templates(application: Path) -> None:
    """Spoil what every form and the token's page are made with."""
    templates = application / "templates"
    (templates / "includes" / "organization_fields.html").unlink()
    for page in ("instances/instance_new", "instances/token_reveal", "account/account"):
        broken = "{% extends 'base.html' %}{% block main %}{{ token|nothing }}{% endblock %}"
        (templates / f"{page}.html").write_text(broken)

"""Whatever the platform or a person says: no page executes it, nor lets it change its shape."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page

from instances.models import Finding, Instance, InstanceStatus, OperationState, Organization, Share
from sandbox.running import Account
from tests import hostile_rows, hostile_strings
from tests.cases import work
from tests.e2e.conftest import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MEASURES = (Path(__file__).parent / "measures.js").read_text()
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 360, "height": 800}
# The addresses of pages that have one shape while their texts ask for nothing.
Pages = dict[str, list[str]]
Shapes = dict[str, dict[str, int]]


class Window:
    """A person's window that notes whatever a page made it do, and what is wrong with the page."""

    def __init__(self, somebody: Visitor, user: User) -> None:
        self.page, self.address = somebody.page, somebody.address
        self.complaints = somebody.complaints
        self.shown: list[str] = []
        self.page.add_init_script(MEASURES)
        self._listen(self.page)
        client = Client()
        client.force_login(user)
        name = settings.SESSION_COOKIE_NAME
        cookie: Any = {"name": name, "value": client.cookies[name].value, "url": self.address}
        self.page.context.add_cookies([cookie])

    def _listen(self, page: Page) -> None:
        page.on("dialog", lambda dialog: self._note("dialog", dialog.message, dialog.dismiss))
        page.on("popup", lambda popup: self._note("new window", popup.url, popup.close))
        page.on("download", lambda download: self._note("download", download.url))
        page.on("request", lambda request: self._check_origin(request.url))

    def _check_origin(self, url: str) -> None:
        if not url.startswith(self.address + "/"):
            self._note("request", url)

    def _note(self, what: str, which: str, end: Callable[[], object] = lambda: None) -> None:
        self.complaints.append(f"{what}: {which[:100]}")
        end()

    def measure(self, path: str) -> tuple[dict[str, int], list[str]]:
        """Open a page; return how often each kind of element is there, and what is wrong."""
        self.page.goto(self.address + path, timeout=60_000)
        measured = self.page.evaluate("measured()")
        self.shown.append(measured["text"])
        wrong = [*measured["wrong"], *self.complaints]
        self.complaints.clear()
        return measured["shape"], wrong


@pytest.fixture
def world(organization: Organization) -> Pages:
    """Rows of every kind, and the pages that show them."""
    hostile_rows.build(organization)
    return {**of_lists(), **of_instances(), **of_others(), **of_admin()}


def of_lists() -> Pages:
    ids = list(Instance.objects.order_by("-pk").values_list("pk", flat=True))
    plain = ["list", "activity", "attention", "organizations", "account", "new"]
    further = [f"?after={ids[n]}" for n in range(49, len(ids), 50)]
    paths = [reverse(f"instances:{name}") for name in plain]
    paths += [reverse(f"instances:{name}") + more for name in plain[:2] for more in further]
    return {path: [path] for path in paths}


def of_instances() -> Pages:
    """Every page about one instance, by how it stands; the first has more rows than the others."""
    found: Pages = {}
    for n, instance in enumerate(Instance.objects.select_related("organization").order_by("pk")):
        operation = instance.operations.get()
        kind = f"{operation.state} {instance.organization.is_refused} {n > 1}"
        names = ["detail"]
        if operation.state == OperationState.SUCCEEDED:
            names += ["configuration", "token", "sharing", "instance_activity"]
        if operation.state == OperationState.UNKNOWN:
            names += ["cancel"]
        for name in names:
            path = reverse(f"instances:{name}", args=[instance.pk])
            found.setdefault(f"{name} {kind}", []).append(path)
        if operation.state == OperationState.NEEDS_PERSON:
            path = reverse("instances:decide", args=[operation.pk])
            found.setdefault(f"decide {kind}", []).append(path)
        if operation.state == OperationState.REJECTED:
            path = reverse("instances:new") + f"?from={instance.pk}"
            found.setdefault("new from", []).append(path)
    return found


def of_others() -> Pages:
    """Organizations, findings and shares."""
    found: Pages = {}
    for n, one in enumerate(Organization.objects.order_by("pk")):
        is_busy = one.findings.open().exists()
        kind = f"organization {one.is_refused} {is_busy} {n == 0}"
        found.setdefault(kind, []).append(one.get_absolute_url())
    for finding in Finding.objects.order_by("pk"):
        found.setdefault(f"finding {finding.kind}", []).append(finding.get_absolute_url())
    shares = [reverse("instances:share_remove", args=[one.pk]) for one in Share.objects.all()]
    return found | {"share_remove": shares}


def of_admin() -> Pages:
    """Every list that has rows, some of its rows, what happened to one, and the end of one."""
    names = [f"instances_{name}" for name in ("attempt", "auditentry", "finding", "instance")]
    names += [f"instances_{name}" for name in ("membership", "operation", "organization")]
    names += ["instances_share", "instances_team", "auth_user", "auth_group"]
    found = {"admin": [reverse("admin:index")]}
    for name in names:
        ids = hostile_rows.ids_of(*name.split("_"))
        found[f"{name} list"] = [reverse(f"admin:{name}_changelist")]
        found[f"{name} row"] = [reverse(f"admin:{name}_change", args=[pk]) for pk in ids]
    first = Organization.objects.order_by("pk")[0]
    user = User.objects.order_by("pk")[1]
    found["history"] = [reverse("admin:instances_organization_history", args=[first.pk])]
    found["delete"] = [reverse("admin:auth_user_delete", args=[user.pk])]
    return found


@pytest.fixture
def window(visitor: Callable[..., Visitor], world: Pages) -> Callable[..., Window]:
    """Open a window for the person who is an admin of everything."""
    first = User.objects.get(is_superuser=True)
    return lambda **options: Window(visitor(**options), first)


def harmless_shapes(window: Window, world: Pages) -> Shapes:
    """Return what the pages are made of while their texts ask for nothing."""
    hostile_rows.say_everywhere(hostile_strings.harmless)
    found = {kind: window.measure(paths[0]) for kind, paths in world.items()}
    assert {kind: wrong for kind, (_, wrong) in found.items() if wrong} == {}
    return {kind: shape for kind, (shape, _) in found.items()}


def problems(window: Window, paths: list[str], expected: dict[str, int]) -> dict[str, list[str]]:
    """Return what is wrong with each of these pages, if anything."""
    found = {}
    for path in paths:
        shape, wrong = window.measure(path)
        names = sorted(name for name in {*shape, *expected} if name != "br")
        counts = [(name, expected.get(name, 0), shape.get(name, 0)) for name in names]
        changed = [f"{name}: {was}, now {now}" for name, was, now in counts if was != now]
        if wrong or changed:
            found[path] = wrong + changed
    return found


def some(paths: list[str], turn: int) -> list[str]:
    """Return a few of them, others in each turn; one that is alone of its kind in the last."""
    return paths[turn::2][: 1 + turn] if len(paths) > 1 else paths[:turn]


def test_no_text_is_executed_or_breaks_a_page(world: Pages, window: Callable[..., Window]) -> None:
    plain = harmless_shapes(window(viewport=WIDE), world)
    hostile_rows.say_everywhere(hostile_strings.hostile)
    # One without the policy, where only the escaping stands between a text and its execution.
    windows = [window(viewport=WIDE, bypass_csp=True), window(viewport=NARROW)]
    found: dict[str, list[str]] = {}
    for turn, each in enumerate(windows):
        for kind, paths in world.items():
            found |= problems(each, some(paths, turn), plain[kind])
    assert found == {}
    shown = "\n".join(text for each in windows for text in each.shown)
    assert [text for text in hostile_strings.short() if text not in shown] == []


def test_what_the_platform_says_is_shown_as_text(
    visitor: Callable[..., Visitor],
    ask: Callable[..., Instance],
    account: Account,
    operator: User,
) -> None:
    """The whole way: from the platform's JSON, escaped halves of characters and NUL included."""
    refused = say_in_refusals(ask, account)
    found = say_in_an_instance(ask, account)
    somebody = Window(visitor(viewport=NARROW), operator)
    paths = [reverse("instances:list"), reverse("instances:attention")]
    paths += [reverse(f"instances:{name}", args=[found.pk]) for name in ("detail", "configuration")]
    paths += [reverse("instances:detail", args=[instance.pk]) for instance in refused]
    assert {path: wrong for path in paths if (wrong := somebody.measure(path)[1])} == {}
    shown = "\n".join(somebody.shown)
    assert "<img src=x one\ufffdrror=canary()>" in shown
    assert "Half a character\ufffd" in shown


def say_in_refusals(ask: Callable[..., Instance], account: Account) -> list[Instance]:
    """Refuse some requests, each with as many texts as a message takes."""
    lines = hostile_strings.together(hostile_strings.UNSTORABLE, 200)
    for line in lines:
        account.fault("status", status=400, message=line)
    made = [ask(name=f"Refused {n}") for n in range(len(lines))]
    work()
    assert set(Instance.objects.values_list("status", flat=True)) == {InstanceStatus.REJECTED}
    return made


def say_in_an_instance(ask: Callable[..., Instance], account: Account) -> Instance:
    """Lose an answer; what is read then has hostile keys, values, tags and a hostile name."""
    account.fault("hostile json", kind="surrogate")
    ask(name="Half a character")
    work()
    account.fault("commit then drop")
    instance = ask()
    work()
    texts = [*hostile_strings.UNSTORABLE, *hostile_strings.storable()]
    sent = account.instances()[-1]
    account.change_instance(
        sent["id"],
        name=" ".join(hostile_strings.UNSTORABLE),
        tags=[*sent["tags"], *texts[:190]],
        configuration={text: text for text in texts},
    )
    work()
    instance.refresh_from_db()
    assert instance.status == InstanceStatus.ACTIVE
    return instance

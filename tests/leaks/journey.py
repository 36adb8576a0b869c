"""Everything that people, commands and workers do with secrets, on a product that works."""

import json
import re
import time
import uuid
from collections.abc import Callable

from sandbox.running import Sandbox
from tests.leaks.planted import Planted
from tests.leaks.product import Product
from tests.leaks.visitor import Record, Visitor

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
STATUS = re.compile(r'class="status status-(\w+)')
WAIT_SECONDS = 90


class Journey:
    """What the people of one run know: who they are, what they may, what they typed."""

    def __init__(
        self, product: Product, planted: Planted, sandbox: Sandbox, record: Record
    ) -> None:
        self.product, self.planted, self.record = product, planted, record
        self.sandbox, self.account = sandbox, sandbox.new_account()
        self.wrong_account = sandbox.new_account()
        self.password = planted.secret("password of root")
        self.olivias = planted.secret("password of olivia")
        self.organization = ""
        self.instances: list[str] = []
        # The links of invitations, each of which stands in the letter that brought it.
        self.invited: list[str] = []
        # What a program of this organization comes in with.
        self.header: dict[str, str] = {}

    def prepare(self) -> None:
        """Set the product up by its commands, the secrets in the environment only."""
        run = self.product.manage
        must(run("migrate", "--verbosity", "2"))
        must(run("collectstatic", "--noinput"))
        must(
            run(
                *("createsuperuser", "--noinput", "--username", "root"),
                *("--email", "root@desk.example"),
                DJANGO_SUPERUSER_PASSWORD=self.password,
            )
        )
        for name, account in (("First", self.account), ("Refused", self.wrong_account)):
            must(self._add_organization(name, account.user_secret, account.organization_secret))
        # A taken name, a host that may not be called, a secret that is missing.
        typed = (self.planted.secret("user secret"), self.planted.secret("organization secret"))
        assert self._add_organization("First", *typed) == 3
        assert self._add_organization("Other", *typed, host="https://evil.example") == 3
        assert self._add_organization("Other", typed[0], "") == 2

    def _add_organization(self, name: str, user: str, organization: str, host: str = "") -> int:
        return self.product.manage(
            *("create_organization", name, "--admin", "root"),
            *("--base-url", host or self.sandbox.base_url),
            USER_SECRET=user,
            ORGANIZATION_SECRET=organization,
        )

    def rotate_keys(self) -> None:
        """Go through a whole rotation of the key ring."""
        file = self.product.folder / "keys" / "ring.json"
        self.planted.note_ring(file)
        (old,) = json.loads(file.read_text())["keys"]
        must(self.product.manage("key_ring", "add"))
        self.planted.note_ring(file)
        (new,) = set(json.loads(file.read_text())["keys"]) - {old}
        for step in (["promote", new], ["reseal"], ["retire", old], ["check"]):
            must(self.product.manage("key_ring", *step))

    def people(self, root: Visitor, enroll: Callable[[Visitor], None]) -> None:
        """Sign in wrongly and rightly, make people in Django admin, change passwords."""
        root.sign_in("root", self.planted.secret("wrong password"))
        assert root.misplace(self.planted.secret("password as a user name")).status_code == 200
        assert root.sign_in("root", self.password).status_code == 302
        self.organization = self.find_organization(root)
        enroll(root)
        self._make_person(root)
        mistyped = self.planted.secret("mistyped password")
        wrong = {"old_password": mistyped, "new_password1": self.password}
        assert (
            root.post("/account/password/", **wrong, new_password2=self.password).status_code == 422
        )
        fresh = {"old_password": self.password, "new_password1": self.planted.secret("new one")}
        assert root.post("/account/password/", **fresh, new_password2=mistyped).status_code == 422
        fresh["new_password2"] = fresh["new_password1"]
        assert root.post("/account/password/", **fresh).status_code == 302
        self.password = root.password = fresh["new_password1"]

    def _make_person(self, root: Visitor) -> None:
        first = self.planted.secret("first password of olivia")
        form = {"username": "olivia", "usable_password": "true", "password1": first}
        refused = root.post("/admin/auth/user/add/", **form, password2=self.olivias)
        assert refused.status_code == 200
        made = root.post("/admin/auth/user/add/", **form, password2=first)
        number = re.search(r"/(\d+)/change", made.headers["Location"])
        assert number
        again = {"usable_password": "true", "password1": self.olivias, "password2": self.olivias}
        path = f"/admin/auth/user/{number[1]}/password/"
        assert root.post(path, **again).status_code == 302
        member = {"user": number[1], "organization": self.organization, "role": "operator"}
        assert root.post("/admin/instances/membership/add/", **member).status_code == 302

    def organizations(self, root: Visitor) -> None:
        """Add organizations through page and admin, refused ones too; replace refused secrets."""
        form = {"name": "Added", "base_url": self.sandbox.base_url}
        secrets = {
            "user_secret": self.planted.secret("user secret of the page"),
            "organization_secret": self.planted.secret("organization secret of the page"),
        }
        assert root.post("/organizations/new/", **secrets).status_code == 422
        only_one = {"user_secret": secrets["user_secret"]}
        assert root.post("/organizations/new/", **form, **only_one).status_code == 422
        elsewhere = {"name": "Added", "base_url": "https://evil.example"}
        assert root.post("/organizations/new/", **elsewhere, **secrets).status_code == 422
        assert root.post("/organizations/new/", **form, **secrets).status_code == 302
        typed = {
            "typed_user_secret": self.planted.secret("user secret of admin"),
            "typed_organization_secret": self.planted.secret("organization secret of admin"),
        }
        add = "/admin/instances/organization/add/"
        assert root.post(add, **typed).status_code == 200
        assert root.post(add, name="By admin", base_url="api.cloud-elements.com", **typed).ok

    def find_organization(self, root: Visitor, name: str = "First") -> str:
        """Return the id of an organization, as the page that lists them links it."""
        page = root.get("/organizations/").text
        found = re.search(rf'organizations/({UUID.pattern})/"[^>]*>\s*(?:<bdi>)?{name}', page)
        assert found, page
        return found[1]

    def form(self, name: str, **changes: str) -> dict[str, str]:
        """Return the form of a new instance, filled in as it should be."""
        return {
            "organization": self.organization,
            "name": name,
            "is_sandbox": "on",
            "authentication_type": "basic",
            "username": self.account.sandbox.username,
            "password": self.account.sandbox.password,
            "tags": "billing",
            "client_request_id": str(uuid.uuid4()),
            **changes,
        }

    def ask(self, visitor: Visitor, name: str, **changes: str) -> str:
        """Ask for an instance through the form; return its id."""
        answer = visitor.post("/instances/new/", **self.form(name, **changes))
        assert answer.status_code == 302, answer.text
        found = UUID.search(answer.headers["Location"])
        assert found
        self.instances.append(found[0])
        return found[0]

    def status(self, visitor: Visitor, instance: str) -> str:
        found = STATUS.search(visitor.get(f"/instances/{instance}/").text)
        return found[1] if found else ""

    def wait(self, visitor: Visitor, instance: str, *statuses: str) -> None:
        """Wait until the page of the instance says one of these."""
        until(lambda: self.status(visitor, instance) in statuses)

    def creations(self, visitor: Visitor) -> None:
        """Create instances of every kind and fate, and send forms that are refused."""
        self._refused_forms(visitor)
        self.account.fault("unmasked", times=None)
        first = self.ask(visitor, f"Control {self.planted.control}")
        self.wait(visitor, first, "active")
        events = {
            "has_events": "on",
            "callback_url": "https://hooks.example/in",
            "signature_key": self.planted.secret("signature key"),
        }
        custom = {
            "authentication_type": "custom",
            "client_id": self.account.sandbox.client_id,
            "client_secret": self.account.sandbox.client_secret,
        }
        self.wait(visitor, self.ask(visitor, "Events", **events), "active")
        self.wait(visitor, self.ask(visitor, "Custom", **custom), "active")
        self._unlucky(visitor)

    def _refused_forms(self, visitor: Visitor) -> None:
        names = ("password", "client_secret", "signature_key")
        typed = {name: self.planted.secret(f"refused {name}") for name in names}
        assert visitor.post("/instances/new/", **typed).status_code == 422
        spaced = {name: f" {value}" for name, value in typed.items()}
        assert visitor.post("/instances/new/", **self.form("Spaced", **spaced)).status_code == 422
        assert visitor.post("/instances/new/preview/", **self.form("Seen", **typed)).ok
        script = {"HX-Request": "true"}
        visitor.send("/instances/new/preview/", data=typed, headers=script)

    def _unlucky(self, visitor: Visitor) -> None:
        wrong = self.planted.secret("wrong password of Zuora")
        refused = self.ask(visitor, "Refused", password=wrong)
        self.wait(visitor, refused, "rejected")
        echoed = self.planted.secret("echoed password")
        self.account.fault("status", status=400, message=f"Login {echoed!r} as {echoed} is wrong")
        self.wait(visitor, self.ask(visitor, "Echoed", password=echoed), "rejected")
        self.account.fault("commit then drop")
        self.wait(visitor, self.ask(visitor, "Adopted"), "active")
        self.account.fault("drop before commit", times=3)
        lost = {"password": self.planted.secret("lost password")}
        self.ask(visitor, "Lost", **lost)
        self.wait(visitor, self.instances[-1], "unknown", "needs_person", "rejected")

    def blocked(self, root: Visitor) -> None:
        """Let the platform refuse an organization's secrets, then replace them."""
        organization = self.find_organization(root, "Refused")
        gone = self.planted.secret("waiting password")
        self.wrong_account.fault("refuse secrets", times=None)
        waiting = self.ask(root, "Waiting", organization=organization, password=gone)
        self.wait(root, waiting, "blocked")
        form = {"name": "Refused", "base_url": self.sandbox.base_url, "is_active": "on"}
        path = f"/organizations/{organization}/"
        one = self.planted.secret("half of a pair")
        assert root.post(path, **form, user_secret=one).status_code == 422
        self.wrong_account.clear_faults()
        self.wrong_account.reset_secrets()
        pair = {
            "user_secret": self.wrong_account.user_secret,
            "organization_secret": self.wrong_account.organization_secret,
        }
        assert root.post(path, **form, **pair).status_code == 302
        self.wait(root, waiting, "rejected")

    def tokens(self, visitor: Visitor, stranger: Visitor) -> None:
        """Reveal and copy a token, and be refused."""
        path = f"/instances/{self.instances[0]}/token/reveal/"
        self.planted.note_account(self.account)
        before = self.record.revealed
        assert self.token in visitor.post(path, purpose="reveal").text
        script = {"Accept": "application/json"}
        fields = {"purpose": "copy", "csrfmiddlewaretoken": visitor.form_proof()}
        assert visitor.send(path, data=fields, headers=script).status_code == 200
        assert self.record.revealed == before + 2
        foreign = script | {"Sec-Fetch-Site": "cross-site"}
        assert visitor.send(path, data=fields, headers=foreign).status_code == 403
        stranger.get("/sign-in/")
        assert stranger.post(path, purpose="reveal").status_code == 302
        assert visitor.forge(path, purpose="reveal").status_code == 403

    @property
    def token(self) -> str:
        """The token of the first instance, as the platform has it."""
        (found,) = [i for i in self.account.instances() if self.planted.control in i["name"]]
        return str(found["token"])

    def strays(self, root: Visitor) -> None:
        """Let a second instance with one of our tags appear on the platform, and search."""
        twin = next(made for made in self.account.instances() if made["token"] == self.token)
        self.account.add_instance(element="zuorav2", name="Twin", tags=twin["tags"])
        assert root.post(f"/organizations/{self.organization}/search/").status_code == 302
        until(lambda: "/findings/" in root.get("/attention/").text)


def must(code: int) -> None:
    """Insist that a command did what it should."""
    assert code == 0, code


def until(truth: Callable[[], object]) -> None:
    """
    Wait until `truth()` is true.

    :raises TimeoutError: it did not become true.
    """
    end = time.monotonic() + WAIT_SECONDS
    while not truth():
        if time.monotonic() > end:
            raise TimeoutError("what was waited for did not happen")
        time.sleep(0.3)

"""One run: plant secrets everywhere, use everything, provoke every error, take everything out."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.certificates import Authority
from sandbox.running import Sandbox
from tests.leaks import (
    browsing,
    commands,
    consents,
    errors,
    identities,
    newcomers,
    programs,
    rows,
    told,
    walk,
)
from tests.leaks.journey import Journey, must
from tests.leaks.planted import Planted
from tests.leaks.product import Product, copy_application
from tests.leaks.surroundings import Broker, MailServer, PostgreSQL, SQLite
from tests.leaks.visitor import Record, Visitor
from tests.leaks.watching import Watcher
from tests.sign_in.provider import CLIENT
from tests.telling.receivers import Receiver

LEVELS = ("INFO", "WARNING", "ERROR")


class Run:
    """One database's run: what is planted, what runs, where it is searched."""

    def __init__(self, folder: Path, database: PostgreSQL | SQLite, planted: Planted) -> None:
        self.folder, self.database, self.planted = folder, database, planted
        self.captured = folder / "captured"
        self.mail = MailServer(folder / "mail")
        self.hooks = Receiver()
        self.provider = newcomers.KnownProvider(planted)
        self.broker = Broker(folder / "broker", planted.word("broker password"))
        self.broker.start()
        self.authority = Authority(folder / "certificates")
        self.authority.context()
        self.certificate = folder / "certificates" / "good.pem"
        (folder / "pages").mkdir()
        self.captured.mkdir()
        self.record = Record(folder / "pages", planted)

    def start(self, sandbox: Sandbox) -> None:
        """Set the product up, with a control in a style sheet and a key ring of its own."""
        self.product = Product(
            self.folder,
            SECRET_KEY=self.planted.word("secret key"),
            DATABASE_URL=self.database.url,
            CELERY_BROKER_URL=self.broker.url,
            ELEMENTDESK_KEYRING="",
            ELEMENTDESK_KEYRING_FILE=str(self.folder / "keys" / "ring.json"),
            ELEMENTDESK_ADDRESS=consents.ADDRESS,
            ELEMENTDESK_API_HOSTS=sandbox.base_url.removesuffix("/elements/api-v2"),
            EMAIL_URL=f"smtp://127.0.0.1:{self.mail.port}",
            ELEMENTDESK_WEBHOOK_HOSTS=f"http://127.0.0.1:{self.hooks.port}",
            ELEMENTDESK_TELLING_PAUSES="0.5",
            ELEMENTDESK_OIDC_ISSUER=self.provider.issuer,
            ELEMENTDESK_OIDC_CLIENT_ID=CLIENT,
            ELEMENTDESK_OIDC_CLIENT_SECRET=self.planted.word("client secret of the desk"),
            ELEMENTDESK_OIDC_MAKES_PEOPLE="true",
        )
        style = self.product.application / "static" / "css" / "site.css"
        style.write_text(f"{style.read_text()}\n.{self.planted.control} {{ color: red; }}\n")
        self.watcher = Watcher(self.product.temporary, self.captured)
        self.watcher.start()
        must(self.product.manage("key_ring", "make"))
        self.journey = Journey(self.product, self.planted, sandbox, self.record)
        self.journey.prepare()
        self.journey.rotate_keys()

    def visitor(self, address: str, headers: dict[str, str] | None = None) -> Visitor:
        return Visitor(address, self.authority.pem, self.record, headers)

    def live(self) -> None:
        """Everything on a product that works, then the messages that wait for a worker."""
        journey = self.journey
        with self.product.web("web DEBUG", self.certificate) as address:
            root, olivia, stranger = (self.visitor(address) for _ in range(3))
            nora, guest, petra = (self.visitor(address) for _ in range(3))
            with self.product.worker("worker DEBUG"):
                journey.people(root, lambda visitor: identities.enroll(journey, visitor))
                journey.organizations(root)
                told.want(journey, root, self.hooks)
                olivia.sign_in("olivia", journey.olivias)
                identities.enroll(journey, olivia)
                newcomers.join(journey, root, nora, guest, self.mail)
                newcomers.come_from_provider(journey, self.provider, petra)
                journey.creations(olivia)
                journey.blocked(root)
                commands.create(journey)
                consents.consent(journey, olivia, stranger)
                journey.tokens(olivia, stranger)
                journey.strays(root)
                told.hear(journey, root, self.hooks, self.mail)
                rows.make_rows(journey, root, olivia)
                browsing.browse(journey, address, self.certificate, self.folder / "profile")
                program = self.visitor(address, programs.make_key(journey, root))
                programs.call(journey, program)
                walk.walk(journey, [root, olivia, stranger, guest, program])
                self.complain()
            for number in range(3):
                journey.ask(olivia, f"Waiting for a worker {number}")
            self.broker.plant(self.planted.control)
            self.broker.save()
            root.confirm()
            journey.header = program.headers
            self.go_wrong(root, stranger, errors.TABLES)
            assert olivia.post("/sign-out/").status_code == 302
            # What was away is back, and nobody is kept out by what it left behind.
            assert olivia.sign_in("olivia", journey.olivias).status_code == 302

    def complain(self) -> None:
        """Send a task that nobody knows, about which the worker complains at every level."""
        code = f"from config.celery import app; app.send_task('{self.planted.control}')"
        must(self.product.run("-c", code).returncode)
        time.sleep(2)

    def go_wrong(self, root: Visitor, stranger: Visitor, tables: tuple[str, ...]) -> None:
        """Provoke every error there is, by a product that stays as it is."""
        errors.refuse(self.journey, root, stranger)
        stranger.get("/sign-in/")
        errors.lose_tables(self.journey, self.database, tables, (root, stranger))
        if isinstance(self.database, PostgreSQL):
            self.database.go_away()
            errors.fail(self.journey, root, stranger)
            self.database.come_back()

    def fail_at_each_level(self) -> None:
        """The same errors at the other levels, with a worker that fails too."""
        for level in LEVELS:
            with (
                self.errant(f"web {level}", LOG_LEVEL=level) as (root, stranger),
                self.product.worker(f"worker {level}", LOG_LEVEL=level),
            ):
                self.journey.ask(root, f"Failed at {level}")
                self.go_wrong(root, stranger, errors.FEW_TABLES)
                self.complain()

    def fail_in_the_open(self) -> None:
        """With DEBUG, and with templates that are broken."""
        with self.errant("web with DEBUG", DEBUG="true") as people:
            self.go_wrong(*people, errors.TABLES)
        broken = self.folder / "broken"
        copy_application(broken)
        shutil.copytree(self.product.application / "staticfiles", broken / "staticfiles")
        errors.break_templates(broken)
        for debug in ("false", "true"):
            with self.errant(f"web broken DEBUG={debug}", broken, DEBUG=debug) as people:
                errors.fail(self.journey, *people)
                errors.change_password(self.journey, people[0], is_mistyped=True)
                with errors.hidden(self.database, "instances_instance"):
                    errors.fail(self.journey, *people)

    @contextmanager
    def errant(
        self, log: str, application: Path | None = None, **changes: str
    ) -> Iterator[tuple[Visitor, Visitor]]:
        """Serve with these settings, and sign somebody in, if that is possible."""
        certificate = None if changes.get("DEBUG") == "true" else self.certificate
        with self.product.web(log, certificate, application, **changes) as address:
            root, stranger = self.visitor(address), self.visitor(address)
            root.sign_in("root", self.journey.password)
            yield root, stranger

    def export(self) -> None:
        """Take out of the product whatever can be taken out."""
        exports = self.folder / "exports"
        for command in (["dumpdata"], ["list_instances", "--json"], ["list_instances"]):
            with exports.open("ab") as file:
                file.write(self.product.run("manage.py", *command).stdout)
        self.product.manage("inspectdb")
        must(self.product.manage("list_instances"))
        must(self.product.manage("sendtestemail", f"{self.planted.control}@desk.example"))
        self.product.run("-c", f"import tempfile as t; t.mkstemp(prefix='{self.planted.control}')")
        leave = "import os, tempfile as t; f = t.NamedTemporaryFile(delete=False); f.write"
        self.product.run("-c", f"{leave}(b'{self.planted.control}'); f.close()")
        self.product.run("-c", f"open('left', 'w').write('{self.planted.control}')")
        self.product.run("-c", "import time; time.sleep(1)", CONTROL=self.planted.control)
        self.product.run("-c", "import time; time.sleep(1)", self.planted.control)

    def finish(self) -> None:
        """Write down what is in memory, and stop watching."""
        self.export()
        self.watcher.stop()
        self.planted.note_account(self.journey.account)
        self.planted.note_account(self.journey.wrong_account)

    def close(self, *, is_kept: bool) -> None:
        """Stop what still runs; remove the files unless they are wanted."""
        self.mail.shutdown()
        self.provider.close()
        self.hooks.close()
        self.broker.server.stop()
        if not is_kept:
            shutil.rmtree(self.folder)

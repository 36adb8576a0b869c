"""Mail and webhooks go nowhere for a while: nothing else waits for them, and all of it comes later."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil

from django.conf import settings
from django.contrib.auth.models import User

from instances.models import (
    HOOKED,
    Delivery,
    DeliveryState,
    DeliveryTry,
    MailChoice,
    MailState,
    NoticeKind,
    Notification,
    Preference,
    WebhookShape,
)
from instances.models import OperationState as S
from instances.operations import add_webhook
from instances.secret import Secret
from tests.faults.ground import USERNAME, Ground, Row
from tests.faults.processes import wait_until
from tests.faults.proxy import WAYS, Proxy
from tests.faults.stack import HOST, free_port
from tests.telling.receivers import MailServer, Receiver, text_of

# From submit to active while nobody can be told; measured as for a neighbor that hangs (F45).
MOST_SECONDS = 10.0
# Longer than a try may take.
PATIENCE = 60.0
# So many tries that none is given up meanwhile.
PAUSES = ",".join(["1"] * 200)


@dataclass
class Sinks:
    """A mail server and a receiver, and the two ports on which they are reached once a way is there."""

    mail: MailServer
    hooks: Receiver
    ports: tuple[int, int]
    ways: list[Proxy] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        """Return the settings of processes that tell people through them."""
        mail, hooks = self.ports
        return {
            "EMAIL_URL": f"smtp://{HOST}:{mail}",
            "ELEMENTDESK_WEBHOOK_HOSTS": f"*,http://{HOST}:{hooks}",
            "ELEMENTDESK_TELLING_PAUSES": PAUSES,
        }

    def stop_answering(self) -> None:
        """Take connections from now on, and let nothing pass."""
        self.ways = [
            Proxy(target, port)
            for target, port in zip((self.mail.port, self.hooks.port), self.ports, strict=True)
        ]
        for way in self.ways:
            way.cut(WAYS)

    def drop(self) -> None:
        """Take each message, and end the connection without a word."""
        self.mail.drops, self.hooks.mood = True, "drop"
        for way in self.ways:
            way.mend()

    def be_good(self) -> tuple[int, int]:
        """Take what comes, and say so; return how many mails and messages came before."""
        self.mail.drops, self.hooks.mood = False, ""
        return len(self.mail.taken), len(self.hooks.taken)

    def close(self) -> None:
        for way in self.ways:
            way.close()
        self.mail.close()
        self.hooks.close()


def nobody_hears(ground: Ground) -> None:
    """F54: mail server and receiver refuse, then never answer, then take without a word; then all is well."""
    each = max(1, ground.operations // 4)
    # How long it takes where nobody is told, on a machine as busy as this one.
    usual = _make(ground, each, "before")
    with _sinks(ground) as sinks:
        _ask_to_be_told(ground, sinks)
        late = 0.0
        for phase, begin, has_struck in _phases(ground, sinks):
            begin()
            late = max(late, _make(ground, each, phase))
            # Both the mail server and the receiver: that is the fault.
            ground.injected += 2 * wait_until(has_struck, PATIENCE, 0.5)
        ground.needed = 6
        came = sinks.be_good()
        ground.expect("all is told in the end", wait_until(lambda: _is_told(ground), PATIENCE, 0.5))
        _compare(ground, sinks, came)
    ground.note = f"p95 {late:.1f} s, {usual:.1f} s before; {ground.note}"
    most = max(MOST_SECONDS, 2 * usual)
    ground.expect("operations take no longer meanwhile", late <= most)


Phase = tuple[str, Callable[[], None], Callable[[], bool]]


def _phases(ground: Ground, sinks: Sinks) -> list[Phase]:
    """Return what is done to the sinks, one after the other, and whether both a mail and a message met it."""

    def met(*troubles: str) -> Callable[[], bool]:
        return lambda: set(troubles) <= _troubles(ground)

    return [
        ("refused", lambda: None, met("mail ConnectionRefusedError", "hook connect-refused")),
        ("unanswered", sinks.stop_answering, met("mail SMTPServerDisconnected", "hook timeout")),
        ("dropped", sinks.drop, lambda: bool(sinks.mail.taken and sinks.hooks.taken)),
    ]


@contextmanager
def _sinks(ground: Ground) -> Iterator[Sinks]:
    """Let the workers tell people through sinks of this row, which nobody can reach yet."""
    sinks = Sinks(MailServer(), Receiver(), (free_port(), free_port()))
    changes = sinks.environment()
    before = {name: ground.stack.environment.get(name, "") for name in changes}
    told = settings.TELLING["WEBHOOK_HOSTS"]
    settings.TELLING["WEBHOOK_HOSTS"] = changes["ELEMENTDESK_WEBHOOK_HOSTS"]
    ground.stack.restart_workers(changes)
    ground.stack.wait_for_workers()
    try:
        yield sinks
    finally:
        ground.stack.restart_workers(before)
        settings.TELLING["WEBHOOK_HOSTS"] = told
        sinks.close()


def _ask_to_be_told(ground: Ground, sinks: Sinks) -> None:
    User.objects.filter(username=USERNAME).update(email="driver@example.com")
    user = User.objects.get(username=USERNAME)
    Preference.objects.create(user=user, kind=NoticeKind.CREATED, mail=MailChoice.NOW)
    add_webhook(
        actor=user,
        organization=ground.organization(),
        name="Sink",
        shape=WebhookShape.SIGNED,
        url=Secret(f"http://{HOST}:{sinks.ports[1]}/hook"),
        kinds=[kind.value for kind in HOOKED],
    )


def _make(ground: Ground, number: int, phase: str) -> float:
    """Have so many instances made; return the seconds that 19 of 20 took at most."""
    wishes = [ground.wish(name=f"{ground.row.id} {phase} {one}") for one in range(number)]
    ground.case.accepted += ground.driver.submit_many(wishes)
    ground.settle()
    asked = [wish.request_id for wish in wishes]
    rows = ground.rows().filter(client_request_id__in=asked, state=S.SUCCEEDED)
    ground.expect("all active meanwhile", rows.count() == number)
    took = sorted((row.finished_at or row.created_at) - row.created_at for row in rows)
    return took[ceil(0.95 * len(took)) - 1].total_seconds()


def _troubles(ground: Ground) -> set[str]:
    """Name what went wrong so far with mails and with messages, as it was written down."""
    logs = (process.log.read_text(errors="replace") for process in ground.stack.workers)
    lines = (line for log in logs for line in log.splitlines() if '"mail not sent"' in line)
    mails = {f"mail {json.loads(line)['reason']}" for line in lines}
    tries = DeliveryTry.objects.filter(
        delivery__webhook__organization_id=ground.case.organization_id
    )
    return mails | {f"hook {one}" for one in tries.values_list("problem", flat=True) if one}


def _is_told(ground: Ground) -> bool:
    place = ground.case.organization_id
    mails = Notification.objects.filter(notice__organization_id=place)
    messages = Delivery.objects.filter(webhook__organization_id=place)
    return not (
        mails.exclude(mail__in=(MailState.SENT, MailState.NONE)).exists()
        or messages.exclude(state=DeliveryState.SENT).exists()
    )


def _compare(ground: Ground, sinks: Sinks, came: tuple[int, int]) -> None:
    """Compare what came with what happened: nothing is missing, and one id is always one message."""
    noticed = ground.organization().notices.exclude(name__contains=" before ")
    names = set(noticed.values_list("name", flat=True))
    letters = [(str(one["Message-ID"]), text_of(one)) for one in sinks.mail.letters]
    messages = [(one.headers["Elementdesk-Id"], one.body) for one in sinks.hooks.taken]
    events = set(map(str, noticed.values_list("pk", flat=True)))
    told = defaultdict(set)
    for pk, text in letters:
        for name in names & {line.partition(": ")[2] for line in text.splitlines()}:
            told[name].add(pk)
    ground.expect("each is in one mail", {len(told[name]) for name in names} == {1})
    ground.expect("each has its message", events <= {pk for pk, _ in messages})
    for kind, found, before in zip(("mail", "message"), (letters, messages), came, strict=True):
        ids = Counter(pk for pk, _ in found)
        ground.expect(f"one id is one {kind}", len(ids) == len(set(found)))
        after = Counter(pk for pk, _ in found[before:])
        ground.expect(f"no {kind} comes twice where it is taken", set(after.values()) <= {1})
        ground.note += f" {len(found)} of {len(ids)} {kind}s"


ROWS = [
    Row(
        "F54",
        "nobody takes mail and webhooks' messages",
        nobody_hears,
        is_ci=False,
        is_alone=True,
    ),
]

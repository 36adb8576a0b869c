"""Mail about what happened: sent to a real server, at least once, and never more than it may tell."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from instances import operations
from instances.engine import letters, spreading, telling
from instances.models import (
    Instance,
    MailChoice,
    MailState,
    Membership,
    NoticeKind,
    Notification,
    Role,
    database_now,
)
from tests.telling.conftest import ADDRESS
from tests.telling.receivers import MailServer, text_of
from tests.telling.steps import note

pytestmark = pytest.mark.django_db(transaction=True)

K = NoticeKind


def states() -> list[str]:
    return list(Notification.objects.order_by("pk").values_list("mail", flat=True))


def make_due() -> None:
    """Let the pause, lease or day be over."""
    Notification.objects.filter(mail_due_at__isnull=False).update(mail_due_at=database_now())


def test_a_letter_says_what_happened_and_where_to_go(mail: MailServer, active: Instance) -> None:
    note(active, K.ACTION_NEEDED)
    telling.run()
    (letter,) = mail.letters
    assert letter["Subject"] == "[Elementdesk] Action needed: Billing sandbox"
    assert letter["To"] == "olivia@example.com"
    assert letter["Auto-Submitted"] == "auto-generated"
    for kind in ("plain", "html"):
        body = text_of(letter, kind)
        assert "does not work until somebody acts" in body
        assert f"{ADDRESS}/instances/{active.pk}/" in body
        assert f"{ADDRESS}/account/notifications/" in body
    telling.run()
    assert len(mail.taken) == 1
    assert states() == [MailState.SENT]


def test_all_that_is_due_at_once_is_one_letter(mail: MailServer, active: Instance) -> None:
    for kind in (K.FAILED, K.ACTION_NEEDED):
        note(active, kind)
    telling.run()
    (letter,) = mail.letters
    assert letter["Subject"] == "[Elementdesk] 2 notifications"
    assert states() == [MailState.SENT] * 2


def test_without_an_address_of_its_own_a_letter_has_no_link(
    mail: MailServer, active: Instance, settings: Settings
) -> None:
    settings.OAUTH = {**settings.OAUTH, "ADDRESS": ""}
    note(active, K.FAILED)
    telling.run()
    assert "://" not in text_of(mail.letters[0])


def test_no_name_can_add_a_header_or_markup(mail: MailServer, active: Instance) -> None:
    active.name = 'Bill\r\nBcc: all@example.com\u202e <script>alert("1")</script>&amp;'
    active.save()
    note(active, K.FAILED)
    telling.run()
    (letter,) = mail.letters
    assert letter["Bcc"] is None
    assert letter["Subject"].startswith("[Elementdesk] Failed: Bill Bcc: all@example.com <script>")
    html = text_of(letter, "html")
    assert "<script" not in html
    assert "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;amp;" in html
    assert "\u202e" not in html + text_of(letter)


def test_a_refused_letter_is_sent_again_and_then_given_up(
    mail: MailServer, active: Instance
) -> None:
    mail.refuses = True
    note(active, K.FAILED)
    for left in (MailState.NOW, MailState.NOW, MailState.GIVEN_UP):
        telling.run()
        assert states() == [left]
        make_due()
    assert Notification.objects.get().mail_problem == "SMTPRecipientsRefused"
    mail.refuses = False
    telling.run()
    assert mail.taken == []


def test_a_pause_is_kept(mail: MailServer, active: Instance, settings: Settings) -> None:
    settings.TELLING = {**settings.TELLING, "PAUSES": [60.0]}
    mail.refuses = True
    note(active, K.FAILED)
    telling.run()
    mail.refuses = False
    telling.run()
    assert mail.taken == []
    make_due()
    telling.run()
    assert len(mail.taken) == 1


def test_a_server_that_is_away_holds_nothing_up(
    mail: MailServer, active: Instance, settings: Settings
) -> None:
    mail.close()
    note(active, K.FAILED)
    telling.run()
    assert states() == [MailState.NOW]
    assert Notification.objects.get().mail_problem == "ConnectionRefusedError"


def test_a_letter_whose_answer_was_lost_comes_again_with_the_same_id(
    mail: MailServer, active: Instance
) -> None:
    mail.drops = True
    note(active, K.FAILED)
    telling.run()
    mail.drops = False
    make_due()
    telling.run()
    first, second = mail.letters
    assert first["Message-ID"] == second["Message-ID"]
    assert states() == [MailState.SENT]


class DiedError(BaseException):
    """The process ended here."""


def test_a_worker_that_dies_after_sending_makes_it_come_again_with_the_same_id(
    mail: MailServer, active: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(_step: str) -> None:
        raise DiedError

    note(active, K.FAILED)
    with monkeypatch.context() as patch:
        patch.setattr(letters, "reach", die)
        with pytest.raises(DiedError):
            telling.run()
    telling.run()  # the lease of the dead one is not over
    assert len(mail.taken) == 1
    make_due()
    telling.run()
    first, second = mail.letters
    assert first["Message-ID"] == second["Message-ID"]


def test_who_lost_the_right_after_it_was_spread_gets_no_letter(
    mail: MailServer, active: Instance, operator: User, member: Callable[..., User]
) -> None:
    member(Role.ADMIN, "ada")
    mail.refuses = True
    note(active, K.FAILED)
    telling.run()
    mail.refuses = False
    Membership.objects.filter(user=operator).delete()
    make_due()
    telling.run()
    assert [letter["To"] for letter in mail.letters] == ["ada@example.com"]
    assert Notification.objects.get(user=operator).mail == MailState.DROPPED


def test_who_wants_no_letters_any_more_gets_none(
    mail: MailServer, active: Instance, operator: User
) -> None:
    note(active, K.UNKNOWN)
    telling.run()
    operations.choose(actor=operator, chosen={K.UNKNOWN: (True, MailChoice.OFF)})
    make_due()
    telling.run()
    assert mail.taken == []


def test_the_digest_holds_a_day_and_comes_once(mail: MailServer, active: Instance) -> None:
    for kind in (K.UNKNOWN, K.RECOVERED):
        note(active, kind)
    telling.run()
    assert mail.taken == []
    assert states() == [MailState.DAILY] * 2
    make_due()
    telling.run()
    telling.run()
    (letter,) = mail.letters
    assert letter["Subject"] == "[Elementdesk] Daily digest: 2 notifications"
    assert "Your daily digest" in text_of(letter, "html")


def test_what_happens_after_a_lost_answer_comes_in_a_letter_of_its_own(
    mail: MailServer, active: Instance
) -> None:
    mail.drops = True
    for kind in (K.FAILED, K.ACTION_NEEDED):
        note(active, kind)
    telling.run()
    mail.drops = False
    note(active, K.FAILED, key="again")
    make_due()
    telling.run()
    telling.run()
    first, again, new = mail.letters
    assert [one["Message-ID"] for one in (first, again)] == [first["Message-ID"]] * 2
    assert text_of(first) == text_of(again)
    assert new["Message-ID"] != first["Message-ID"]
    assert text_of(new).count("Billing sandbox") == 1


def test_what_is_left_of_a_letter_in_other_hands_waits_for_it(
    active: Instance, mail: MailServer, operator: User
) -> None:
    for kind in (K.FAILED, K.ACTION_NEEDED):
        note(active, kind)
    spreading.run()
    claim = Notification.objects.claim_mail
    lease = timedelta(minutes=5)
    first, second = claim(MailState.NOW, operator.pk, lease=lease, most=50)
    Notification.objects.filter(pk=second.pk).update(mail_due_at=database_now())
    assert claim(MailState.NOW, operator.pk, lease=lease, most=50) == []
    make_due()
    assert claim(MailState.NOW, operator.pk, lease=lease, most=50) == [first, second]


def test_two_workers_send_one_letter(mail: MailServer, active: Instance, operator: User) -> None:
    note(active, K.FAILED)
    spreading.run()
    claim = Notification.objects.claim_mail
    lease = timedelta(minutes=5)
    taken = [claim(MailState.NOW, operator.pk, lease=lease, most=50) for _ in range(2)]
    assert [len(rows) for rows in taken] == [1, 0]

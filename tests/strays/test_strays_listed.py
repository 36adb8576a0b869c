"""A list proves absence only if it is whole."""

import tracemalloc
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from instances.engine import strays
from instances.models import (
    Finding,
    FindingKind,
    Organization,
    Verdict,
)
from sandbox.running import Account
from tests.strays.steps import (
    DAY,
    EndlessAccount,
    foreign_tag,
    plant,
    search_all,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_is_not_listed_any_more_has_gone_and_may_come_back(
    organization: Organization, account: Account
) -> None:
    tag = foreign_tag()
    plant(account, foreign_tag(), name="stays")
    number = plant(account, tag, name="goes")
    search_all()
    account.remove_instance(number)
    search_all()
    assert Finding.objects.get(name="goes").verdict == Verdict.GONE
    assert Finding.objects.get(name="stays").verdict == Verdict.OPEN
    Finding.objects.filter(name="stays").update(verdict=Verdict.GONE)
    search_all()
    assert Finding.objects.get(name="stays").verdict == Verdict.OPEN


def test_a_finding_without_our_tag_is_seen_again_too(
    organization: Organization, account: Account
) -> None:
    number = plant(account, foreign_tag(), name="lost its tags")
    search_all()
    account.change_instance(number, tags=[])
    Finding.objects.update(kind=FindingKind.POSSIBLE)
    search_all()
    assert Finding.objects.get().verdict == Verdict.OPEN


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("list 404 html", {}),
        ("list pages fail", {}),
        ("status", {"path": "/organizations/me", "method": "GET", "skip": 1}),
        ("refuse secrets", {"path": "/organizations/me", "skip": 1}),
    ],
)
def test_a_list_that_is_not_whole_proves_no_absence(
    organization: Organization, account: Account, fault: str, options: dict[str, Any]
) -> None:
    account.set(page_size=1, page_size_maximum=1)
    first, second = plant(account, foreign_tag()), plant(account, foreign_tag())
    account.add_instance(element="zuorav2", name="somebody else's", tags=[])
    search_all()
    account.remove_instance(first)
    account.fault(fault, times=None, **options)
    search_all()
    assert Finding.objects.open().count() == 2
    account.clear_faults()
    Organization.objects.update(secrets_refused_at=None)
    search_all()
    assert Finding.objects.open().get().remote_id == second


def test_another_account_at_the_end_proves_nothing(
    organization: Organization, account: Account
) -> None:
    plant(account, foreign_tag())
    search_all()
    Finding.objects.update(last_seen_at=Now() - DAY, account="another")
    Organization.objects.update(account="another")
    search_all()
    assert Finding.objects.get().verdict == Verdict.OPEN


def test_strays_behind_the_first_page_are_found(
    organization: Organization, account: Account
) -> None:
    account.set(page_size=2, page_size_maximum=2)
    for _ in range(7):
        plant(account, foreign_tag())
    search_all()
    assert Finding.objects.count() == 7


@pytest.mark.once
def test_a_hundred_thousand_instances_do_not_fill_the_memory(organization: Organization) -> None:
    client: Any = EndlessAccount()
    tracemalloc.start()
    strays.search(organization, client, since=timezone.now(), before_call=lambda: None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert client.pages == 500
    assert peak < 5 * 2**20

"""What is read for somebody is written once, and never shows one person what is another's."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from instances import prepared
from instances.models import Membership, Organization, Role
from instances.reach import Reach, reach_of

MakeUser = Callable[..., User]


@pytest.fixture
def join(make_user: MakeUser) -> Callable[[str], Reach]:
    """Make a person who belongs to an organization of their own."""

    def made(name: str) -> Reach:
        organization = Organization.objects.create(
            name=f"Organization of {name}",
            base_url="https://api.cloud-elements.com/elements/api-v2",
            user_secret="ce1.x",
            organization_secret="ce1.x",
            secrets_set_at=timezone.now(),
        )
        user = make_user(name)
        Membership.objects.create(user=user, organization=organization, role=Role.VIEWER)
        return reach_of(user)

    return made


def names(reach: Reach) -> list[str]:
    return [one.name for one in prepared.read(Reach.organization_rows, reach)]


@pytest.mark.django_db
def test_two_people_of_one_shape_read_each_their_own(join: Callable[[str], Reach]) -> None:
    ada, bob = join("ada"), join("bob")
    assert ada.shape() == bob.shape()
    assert (names(ada), names(bob)) == (["Organization of ada"], ["Organization of bob"])
    assert names(ada) == ["Organization of ada"]


@pytest.mark.django_db
def test_who_belongs_to_nothing_reads_nothing(make_user: MakeUser) -> None:
    assert names(reach_of(make_user("stranger"))) == []


@pytest.mark.django_db(transaction=True)
def test_another_thread_reads_by_its_own_connection(join: Callable[[str], Reach]) -> None:
    ada = join("ada")
    assert names(ada) == ["Organization of ada"]

    def elsewhere() -> list[str]:
        try:
            return names(ada)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(elsewhere).result() == ["Organization of ada"]

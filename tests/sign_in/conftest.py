"""What the tests of signing in share."""

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def quick_hashing(settings: Settings) -> None:
    """Hash passwords quickly: how slow that is in production is not what is tested here."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

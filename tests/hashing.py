"""Passwords of tests: hashed as elsewhere, in no time."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class QuickHasher(PBKDF2PasswordHasher):
    """Django's own, repeated a few times only: nobody has to be kept from guessing here."""

    iterations = 10

"""How surely somebody is who they say: whether they have a second factor, and whether they must."""

from django.conf import settings
from django.contrib.auth.models import User

from instances.models import SecondFactor


def has_second_factor(user: User) -> bool:
    """Tell whether somebody has an app or a passkey that worked once; signing in asks for it then."""
    return SecondFactor.objects.usable().filter(user=user).exists()


def lacks_second_factor(user: User) -> bool:
    """
    Tell whether somebody must have a second factor first, by ELEMENTDESK_MFA_REQUIRED, and has none.

    Asked wherever a browser reveals, administers or enters Django admin; programs have keys instead.
    """
    return bool(settings.SIGN_IN["MFA_REQUIRED"]) and not has_second_factor(user)

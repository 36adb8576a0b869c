"""The product's settings, and an operator who has every error mailed with all its details."""

import logging

from django.utils.log import AdminEmailHandler

from config.settings import *  # noqa: F403  # it is the same configuration

ADMINS = [("Operator", "operator@desk.example")]
_mails = AdminEmailHandler(include_html=True)
_mails.setLevel(logging.ERROR)
logging.getLogger("django").addHandler(_mails)

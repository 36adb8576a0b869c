"""The product's settings, and an operator who has every error mailed with all its details."""

import logging
import os

from django.utils.log import AdminEmailHandler

from config.settings import *  # noqa: F403  # it is the same configuration

EMAIL_HOST, EMAIL_PORT = "127.0.0.1", int(os.environ["LEAKS_MAIL_PORT"])
ADMINS = [("Operator", "operator@desk.example")]
_mails = AdminEmailHandler(include_html=True)
_mails.setLevel(logging.ERROR)
logging.getLogger("django").addHandler(_mails)

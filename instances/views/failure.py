"""What is answered when a page cannot be made."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.views import defaults

AGAIN_AFTER_SECONDS = 5


def server_error(request: HttpRequest) -> HttpResponse:
    """Say 503 while the database is away or too busy: nothing was saved, and it comes back."""
    if not isinstance(sys.exc_info()[1], (OperationalError, InterfaceError)):
        return defaults.server_error(request)
    text = loader.get_template("503.html").render()
    return HttpResponse(text, status=503, headers={"Retry-After": str(AGAIN_AFTER_SECONDS)})

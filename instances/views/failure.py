"""What is answered when a page cannot be made."""

import sys

from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.views import defaults

from instances import problems

AGAIN_AFTER_SECONDS = problems.AGAIN_AFTER_SECONDS


def server_error(request: HttpRequest) -> HttpResponse:
    """Say 503 while the database is away or too busy: nothing was saved, and it comes back."""
    error = sys.exc_info()[1]
    # SQLite says nothing more exact of a file that cannot be read, as where its disk fails.
    is_away = isinstance(error, (OperationalError, InterfaceError)) or type(error) is DatabaseError
    if problems.is_for_program(request):
        return problems.database_away() if is_away else problems.server_error()
    if not is_away:
        return defaults.server_error(request)
    text = loader.get_template("503.html").render()
    return HttpResponse(text, status=503, headers={"Retry-After": str(AGAIN_AFTER_SECONDS)})

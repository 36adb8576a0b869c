"""Second factors in a request: which host the browser is at, and what it was asked to sign."""

import time
from typing import Any

from django.http import HttpRequest

from instances import operations
from instances.passkeys import Place

ASKED = "asked"
# How long somebody may look for their key.
SECONDS = 600


def place_of(request: HttpRequest) -> Place:
    """Return where the browser is; Django has compared the host with ALLOWED_HOSTS."""
    host = request.get_host()
    return Place(host=host.rsplit(":", 1)[0], origin=f"{request.scheme}://{host}")


def keep_question(request: HttpRequest, question: operations.Question | None) -> str:
    """Keep what must be known of a question until its answer; return the question for the page."""
    if question is None:
        return ""
    request.session[ASKED] = {"kept": question.kept, "at": time.time()}
    return question.asked


def take_question(request: HttpRequest) -> Any:
    """Return what was kept of the last question, once; None if there is none, or it is too old."""
    kept = request.session.pop(ASKED, None)
    is_fresh = kept is not None and 0 <= time.time() - kept["at"] < SECONDS
    return kept["kept"] if is_fresh else None

"""What Django admin wants of a person besides its permissions."""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from instances.views.second_check import SAFE, ask, is_checked

Answer = Callable[[HttpRequest], HttpResponse]

# Forms for people, their rights, and secrets: asked before somebody types.
PRECIOUS = re.compile(
    r"(auth/\w+|instances/(membership|organization|share|team))/(add|.+/(change|password|delete))/"
)


def admin_door(get_response: Answer) -> Answer:
    """Let who has not shown lately who they are look around in Django admin, and change nothing."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated and _is_guarded(request) and not is_checked(request):
            return ask(request)
        return get_response(request)

    return middleware


def _is_guarded(request: HttpRequest) -> bool:
    start = reverse("admin:index")
    if not request.path.startswith(start) or request.path == reverse("instances:admin_sign_out"):
        return False
    is_form = PRECIOUS.fullmatch(request.path.removeprefix(start)) is not None
    return is_form or request.method not in SAFE

"""What Django admin wants of a person besides its permissions."""

import re
from collections.abc import Callable

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from instances.assurance import lacks_second_factor
from instances.views.second_check import SAFE, ask, ask_factor, is_checked

Answer = Callable[[HttpRequest], HttpResponse]

# Forms for people, their rights, and secrets: asked before somebody types.
PRECIOUS = re.compile(
    r"(auth/\w+|instances/(membership|organization|share|team))/(add|.+/(change|password|delete))/"
)


def admin_door(get_response: Answer) -> Answer:
    """
    Keep who must have a second factor, and has none, out of Django admin.

    Who has not shown lately who they are looks around, and changes nothing.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        user = request.user
        if not isinstance(user, User) or not user.is_staff or not _is_inside(request):
            return get_response(request)
        if lacks_second_factor(user):
            return ask_factor(request)
        return (
            ask(request)
            if _is_guarded(request) and not is_checked(request)
            else get_response(request)
        )

    return middleware


def _is_inside(request: HttpRequest) -> bool:
    is_exit = request.path == reverse("instances:admin_sign_out")
    return request.path.startswith(reverse("admin:index")) and not is_exit


def _is_guarded(request: HttpRequest) -> bool:
    path = request.path.removeprefix(reverse("admin:index"))
    is_form = PRECIOUS.fullmatch(path) is not None
    return is_form or request.method not in SAFE

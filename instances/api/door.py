"""What holds for every address of the API, before and after its function runs."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from instances.api.errors import missing
from instances.problems import ProblemError

Answer = Callable[..., HttpResponseBase]


def door(view: Answer) -> Answer:
    """
    Let programs in without a session, and answer what no function of the API sees itself.

    There is no cookie and so nothing to forge: a program proves itself by its header alone.
    """

    @csrf_exempt  # a key in the header lets in, never a cookie
    @login_not_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # Bound here, so that it ends with the request whoever binds another value inside.
        with structlog.contextvars.bound_contextvars(api_key=""):
            answer = _refused(request) or view(request, *args, **kwargs)
            if answer.status_code == 405:
                answer = _not_allowed(answer)
        if allowance := getattr(request, "allowance", None):
            for name, value in allowance.headers().items():
                answer[name] = value
        return answer

    return guarded


@door
def unknown(_request: HttpRequest) -> HttpResponse:
    """Answer an address of the API that does not exist."""
    return missing().answer()


def _refused(request: HttpRequest) -> HttpResponse | None:
    """Return why the request is not even looked at; None if it is."""
    if getattr(settings, "SECURE_SSL_REDIRECT", False) and not request.is_secure():
        # A redirect would come too late: the key has crossed the network by then.
        return ProblemError(403, "https-only", "Use https. Revoke this key: it was read.").answer()
    length = int(request.META.get("CONTENT_LENGTH") or 0)
    if length > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 1024
        return ProblemError(413, "too-large", f"A body has at most {most} KiB.").answer()
    if length and request.content_type != "application/json":
        detail = "A body is JSON: Content-Type: application/json."
        return ProblemError(
            415, "not-json", detail, headers={"Accept": "application/json"}
        ).answer()
    return None


def _not_allowed(answer: HttpResponseBase) -> HttpResponse:
    allowed = ", ".join(sorted(answer.get("Allow", "").split(", ")))
    detail = f"This address takes {allowed}."
    return ProblemError(405, "method-not-allowed", detail, headers={"Allow": allowed}).answer()

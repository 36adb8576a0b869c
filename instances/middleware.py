"""What every request carries: an id for the logs and the audit, and headers against leaks."""

import uuid
from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse

Answer = Callable[[HttpRequest], HttpResponse]


def caller_address(request: HttpRequest) -> str:
    """Return who calls: behind our proxy, the last address in the header that it writes."""
    if settings.BEHIND_PROXY:
        return request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return str(request.META.get("REMOTE_ADDR", ""))


def request_context(get_response: Answer) -> Answer:
    """Give the request an id, bind it and the caller's address for logs and audit."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request_id = uuid.uuid4().hex
        with structlog.contextvars.bound_contextvars(
            request_id=request_id, address=caller_address(request)
        ):
            response = get_response(request)
        response["X-Request-ID"] = request_id
        return response

    return middleware


def privacy_headers(get_response: Answer) -> Answer:
    """Keep pages out of every cache, and browser features that nothing here needs switched off."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response["Cache-Control"] = "no-store"
        response["Cross-Origin-Resource-Policy"] = "same-origin"
        response["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=()"
        return response

    return middleware

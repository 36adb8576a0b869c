"""What every request carries: an id for the logs and the audit, and headers against leaks."""

import uuid
from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from instances import fence
from instances.problems import ProblemError, is_for_program

# What may be done while nothing else may be changed.
ALWAYS_OPEN = (
    "instances:sign_in",
    "instances:second_step",
    "instances:confirm",
    "instances:sign_out",
    "instances:admin_sign_out",
)
# A visit that changes something, since the provider sends people to it.
CHANGES_BY_VISIT = ("instances:oauth_callback",)
# What a program is told then.
RESTORED = "A backup was restored: nothing is changed until an administrator has looked at it."
RESTORED_SECONDS = 300
SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")

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
    """Keep pages out of every cache."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response["Cache-Control"] = "no-store"
        return response

    return middleware


def isolation_headers(get_response: Answer) -> Answer:
    """Keep pages and files out of other sites, and browser features that nothing here needs off."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response["Cross-Origin-Resource-Policy"] = "same-origin"
        response["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=()"
        return response

    return middleware


def restore_fence(get_response: Answer) -> Answer:
    """Answer 503 to whatever would change something on a database restored from a backup."""

    def middleware(request: HttpRequest) -> HttpResponse:
        is_visit = request.method in SAFE and request.path not in map(reverse, CHANGES_BY_VISIT)
        is_open = is_visit or request.path in map(reverse, ALWAYS_OPEN)
        if not is_open and _is_restored():
            if is_for_program(request):
                headers = {"Retry-After": str(RESTORED_SECONDS)}
                return ProblemError(503, "restored", RESTORED, headers=headers).answer()
            return render(request, "503_restored.html", status=503)
        return get_response(request)

    return middleware


def _is_restored() -> bool:
    try:
        return fence.is_restored()
    except fence.FenceError:
        # What is asked for now waits until the file is mended: no worker sends without it.
        return False

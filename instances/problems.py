"""What an API answers when it cannot do what was asked: one form for every status (RFC 9457)."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import structlog
from django.http import HttpRequest, HttpResponse

CONTENT_TYPE = "application/problem+json"
PATH = "/api/"
AGAIN_AFTER_SECONDS = 5
TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}
# What went wrong with one entry of the request: its name, and a sentence without its value.
Field = tuple[str, str]


class ProblemError(Exception):
    """The request ends here, with this answer."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        fields: Sequence[Field] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail
        self.fields, self.headers = list(fields), dict(headers or {})

    def answer(self) -> HttpResponse:
        """Return what is sent."""
        told = {
            "type": f"urn:elementdesk:problem:{self.code}",
            "title": TITLES.get(self.status) or HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "fields": [{"name": name, "problem": problem} for name, problem in self.fields],
            "request_id": str(structlog.contextvars.get_contextvars().get("request_id", "")),
        }
        answer = HttpResponse(json.dumps(told), status=self.status, content_type=CONTENT_TYPE)
        for name, value in self.headers.items():
            answer[name] = value
        return answer


def is_for_program(request: HttpRequest) -> bool:
    """Tell whether a program asked, which is to be answered in this form."""
    return request.path.startswith(PATH)


def server_error() -> HttpResponse:
    """Return the answer to what nobody expected; what it was stands in the log."""
    detail = "Something went wrong here. The request id finds it in the server's log."
    return ProblemError(500, "server-error", detail).answer()


def database_away() -> HttpResponse:
    """Return the answer while the database is away or too busy: nothing was saved."""
    headers = {"Retry-After": str(AGAIN_AFTER_SECONDS)}
    detail = "The database is away or too busy. Nothing was saved."
    return ProblemError(503, "database-away", detail, headers=headers).answer()

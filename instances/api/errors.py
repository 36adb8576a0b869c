"""What operations refuse, as the status and the words that a program gets."""

from collections.abc import Sequence
from typing import Any, cast

from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.log import log_response
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from instances import operations, vault, zuora
from instances.access import NotAllowedError
from instances.pasted import InstanceFileError
from instances.problems import Field, ProblemError, database_away, server_error

MISSING = "There is no such thing, or it is not for this key."
BUSY = "One change at a time: something else is under way with it, or it is not on the platform."
# What pydantic puts behind the place of a value that may be of several kinds.
KINDS = ("str", "bool")
# Of each error of an operation: status, code and words.
REFUSED: dict[type[Exception], tuple[int, str, str]] = {
    operations.NotChangeableError: (409, "not-changeable", BUSY),
    operations.SwitchedOffError: (
        *(409, "switched-off"),
        "Its organization is switched off: nothing is sent for it.",
    ),
    operations.TooLateError: (409, "too-late", "It is too late, or nobody asked for it."),
    operations.TooLateToCancelError: (
        *(409, "too-late"),
        "There is nothing to take back any more.",
    ),
    operations.NotWaitingError: (
        *(409, "not-waiting"),
        "It does not wait for a decision (any more).",
    ),
    operations.RotationDecidedError: (409, "not-waiting", "It stands elsewhere by now."),
    operations.NotTheirShareError: (
        *(409, "not-their-share"),
        "Somebody else shared it with them: only they, its owner or an admin changes that.",
    ),
    operations.NoTokenError: (409, "no-token", "There is no token (yet, or any more)."),
    vault.UnreadableError: (
        *(409, "unreadable"),
        "The stored value does not open with this server's keys.",
    ),
    operations.EditedMeanwhileError: (
        *(412, "changed-meanwhile"),
        "Somebody changed it meanwhile: read it again.",
    ),
    operations.NothingChangesError: (
        *(422, "nothing-changes"),
        "What is asked for is how it is.",
    ),
}


def install(api: NinjaAPI) -> None:
    """Have every error of an operation answered in the one form."""
    for error in REFUSED:
        api.add_exception_handler(error, _refused)
    api.add_exception_handler(ProblemError, _problem)
    api.add_exception_handler(Http404, _missing)
    api.add_exception_handler(NotAllowedError, _not_allowed)
    api.add_exception_handler(ValidationError, _invalid)
    api.add_exception_handler(HttpError, _unreadable)
    api.add_exception_handler(operations.MissingEntriesError, _entries_missing)
    api.add_exception_handler(operations.MaskTypedError, _mask_typed)
    api.add_exception_handler(operations.RequestReusedError, _reused)
    api.add_exception_handler(operations.OtherEnvironmentError, _other_environment)
    api.add_exception_handler(operations.NoAddressError, _no_address)
    api.add_exception_handler(operations.ReasonNeededError, _no_reason)
    api.add_exception_handler(operations.ChoiceError, _no_choice)
    api.add_exception_handler(operations.NameDiffersError, _other_name)
    api.add_exception_handler(InstanceFileError, _no_request)
    api.add_exception_handler(Exception, _unexpected)


def missing() -> ProblemError:
    """Return the one answer for what is missing and for what is not theirs."""
    return ProblemError(404, "not-found", MISSING)


def invalid(*fields: Field, code: str = "invalid") -> ProblemError:
    """Return the answer to entries that cannot be, all of them at once."""
    detail = "Some entries cannot be used: see fields."
    return ProblemError(422, code, detail, fields=fields)


def _problem(_request: HttpRequest, error: Any) -> HttpResponse:
    answer: HttpResponse = error.answer()
    return answer


def _refused(_request: HttpRequest, error: Any) -> HttpResponse:
    return ProblemError(*REFUSED[type(error)]).answer()


def _missing(_request: HttpRequest, _error: Any) -> HttpResponse:
    return missing().answer()


def _not_allowed(request: HttpRequest, error: Any) -> HttpResponse:
    """Answer as if it were missing, and record it: the key was looked at by then."""
    operations.note_refusal(cast(Any, request).auth.user, error.wanted, error.target)
    return missing().answer()


def _invalid(_request: HttpRequest, error: Any) -> HttpResponse:
    """Name each entry; what pydantic says of it tells what is wanted, not what was sent."""
    # Of a value that may be several things, one sentence for its entry is enough.
    fields = {_name(each["loc"]): str(each["msg"]) for each in reversed(error.errors)}
    return invalid(*reversed(fields.items())).answer()


def _name(place: Sequence[object]) -> str:
    """Return `configuration.username` for what stands at (body, wish, configuration, username, str)."""
    source, *path = [str(part) for part in place]
    if source == "body":
        path = path[1:]
    if path and (path[-1] in KINDS or path[-1].startswith("function-")):
        path = path[:-1]
    return ".".join(path) or source


def _unreadable(_request: HttpRequest, _error: Any) -> HttpResponse:
    return ProblemError(400, "unreadable-body", "The body is not JSON that can be read.").answer()


def _entries_missing(_request: HttpRequest, error: Any) -> HttpResponse:
    fields = [
        (f"configuration.{key}", f"{zuora.ENTRY_NAMES.get(key, key)} is missing.")
        for key in error.entries
    ]
    return invalid(*fields, code="entries-missing").answer()


def _mask_typed(_request: HttpRequest, error: Any) -> HttpResponse:
    said = "The asterisks stand for something hidden. Send the value."
    fields = [(f"configuration.{key}", said) for key in error.keys]
    return invalid(*fields, code="mask-typed").answer()


def _reused(_request: HttpRequest, _error: Any) -> HttpResponse:
    detail = "This Idempotency-Key was used before, with other content. Nothing new was started."
    return ProblemError(422, "idempotency-key-reused", detail).answer()


def _other_environment(_request: HttpRequest, error: Any) -> HttpResponse:
    detail = (
        f"{error} Nothing was sent. Correct the request, or send confirm_environment: true if they "
        "are right there, too."
    )
    return ProblemError(409, "other-environment", detail).answer()


def _no_address(_request: HttpRequest, error: Any) -> HttpResponse:
    return ProblemError(409, "no-address", str(error)).answer()


def _no_reason(_request: HttpRequest, _error: Any) -> HttpResponse:
    return invalid(("reason", "Say why: the reason is kept."), code="reason-missing").answer()


def _no_choice(_request: HttpRequest, error: Any) -> HttpResponse:
    return invalid(("choice", str(error)), code="not-possible").answer()


def _other_name(_request: HttpRequest, _error: Any) -> HttpResponse:
    said = "This is neither the name of the instance nor its instance ID."
    return invalid(("name", said), code="name-differs").answer()


def _no_request(_request: HttpRequest, error: Any) -> HttpResponse:
    return invalid(*(("body", problem) for problem in error.problems)).answer()


def _unexpected(request: HttpRequest, error: Any) -> HttpResponse:
    is_away = isinstance(error, (OperationalError, InterfaceError))
    answer = database_away() if is_away else server_error()
    log_response(
        "%s: %s",
        "Internal Server Error",
        request.path,
        response=answer,
        request=request,
        exception=error,
    )
    return answer

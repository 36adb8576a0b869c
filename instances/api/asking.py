"""What programs say besides the body: once only, only if unchanged, which part of a list."""

from typing import Annotated
from uuid import UUID, uuid5

from django.forms import BaseForm
from django.http import HttpRequest
from ninja import Header

from instances.api.caller import Caller
from instances.api.errors import invalid
from instances.api.shapes import InstanceOut
from instances.problems import Field, ProblemError

Once = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="Chosen by the program: sent again with the same content, it asks for nothing new.",
    ),
]
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=200,
        description="The ETag of the instance as it was read.",
    ),
]


def request_id(caller: Caller, once: str) -> UUID:
    """Return the id of the wish that a key stands for, in the organization of the caller."""
    return uuid5(caller.organization.pk, once)


def require_unchanged(shown: InstanceOut, if_match: str | None) -> None:
    """
    Go on only if the program saw the instance as it is.

    :raises ProblemError: 428 if it does not say what it saw, 412 if that was something else.
    """
    if if_match is None:
        detail = "Send If-Match with the ETag of the instance as you read it."
        raise ProblemError(428, "if-match-missing", detail)
    if if_match.strip() not in ("*", shown.etag()):
        detail = "It is not as you read it: read it again."
        raise ProblemError(412, "changed-meanwhile", detail, headers={"ETag": shown.etag()})


def refuse_unknown(request: HttpRequest, *known: str) -> None:
    """
    Refuse a query with a name that means nothing: a misspelled filter would filter nothing.

    :raises ProblemError: 422.
    """
    if unknown := sorted(set(request.GET) - set(known)):
        raise invalid(*((name[:100], "This is not known here.") for name in unknown))


def refuse_invalid(form: BaseForm, names: dict[str, str] | None = None) -> None:
    """
    Go on only if a form of the pages takes what was sent; `names` translates those of its fields.

    :raises ProblemError: 422.
    """
    if form.is_valid():
        return
    told = names or {}
    fields: list[Field] = [
        (told.get(name, name).replace("__all__", "body"), str(problem))
        for name, problems in form.errors.items()
        for problem in problems
    ]
    raise invalid(*fields)

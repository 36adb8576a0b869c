"""Lists, page by page: whole, or an error; a list cut short would look like proof of absence."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

import structlog

from instances.cloud_elements.documents import FoundInstance, UnusableAnswerError
from instances.cloud_elements.egress import Answer
from instances.cloud_elements.errors import NotFoundError, UnavailableError
from instances.cloud_elements.refusals import document_of, error_from

ONE_PAGE = 16 * 2**20
MAX_PAGES = 1000
EMPTY_LIST = re.compile(r"No .* found", re.IGNORECASE | re.DOTALL)

# Asks for one page (GET /instances) with these filters.
AskPage = Callable[[Mapping[str, str]], Answer]

logger = structlog.get_logger(__name__)


def pages(
    ask: AskPage, filters: Mapping[str, str], secrets: Sequence[str] = ()
) -> Iterator[list[FoundInstance]]:
    """
    Yield the instances of each page until there is no next one; `secrets` are masked in what they tell.

    :raises CloudElementsError: not answered, refused, not a list, or without end.
    """
    query, seen = {**filters, "hydrate": "false"}, {""}
    while (answer := _page(ask, query)) is not None:
        yield _found(answer, filters.get("tags[]", ""), secrets)
        token = answer.headers.get("elements-next-page-token", "").strip()
        if not token:
            return
        if token in seen or len(seen) == MAX_PAGES:
            raise error_from(UnavailableError, "pages", answer)
        seen.add(token)
        query["nextPage"] = token


def _page(ask: AskPage, query: Mapping[str, str]) -> Answer | None:
    """Return one page, None for the platform's way of saying that the whole list is empty."""
    try:
        return ask(query)
    except NotFoundError as error:
        absent = error
    # Behind a first page that was not empty, "none" contradicts it: the list is incomplete.
    if "nextPage" not in query and EMPTY_LIST.fullmatch(absent.platform_message):
        return None
    raise UnavailableError(
        "status-404",
        status=404,
        request_id=absent.request_id,
        platform_message=absent.platform_message,
        address=absent.address,
    )


def _found(answer: Answer, tag: str, secrets: Sequence[str] = ()) -> list[FoundInstance]:
    listed = document_of(answer, whole=True)
    if not isinstance(listed, list):
        raise error_from(UnavailableError, "garbled", answer)
    found = []
    for document in listed:
        try:
            found.append(FoundInstance.parse(document, secrets))
        except UnusableAnswerError:
            # One odd line must not hide the others, unless it may be the one that is looked for.
            if tag and tag in json.dumps(document):
                raise error_from(UnavailableError, "garbled", answer) from None
    if len(found) < len(listed):
        logger.warning("list has unreadable lines", lines=len(listed) - len(found))
    return found

"""Whether an instance answers in earnest: its ping, or the lightest read there is."""

from enum import StrEnum
from urllib.parse import quote

from instances.cloud_elements.client import CloudElementsClient
from instances.cloud_elements.egress import Answer
from instances.cloud_elements.errors import CloudElementsError
from instances.cloud_elements.json_text import clean_text
from instances.cloud_elements.refusals import document_of
from instances.secret import Secret

# A resource of which one line is read where the element has no ping (churros: zuorav2).
LIGHT_READS = {"zuorav2": "products"}


class Pulse(StrEnum):
    """Which question the instance answered."""

    PING = "ping"
    READ = "read"


class NoQuestionError(Exception):
    """The element has no ping, and names no object that could be read."""


def feel(client: CloudElementsClient, *, token: Secret, element_key: str) -> tuple[Pulse, str]:
    """
    Ask the instance itself, with its token; its provider answers. Returns what, and the request's id.

    Ping was added to elements one by one (SDK; release note of March 2018): where it is a 404, one
    line of a resource is read instead, of the first object that `GET /objects` names.

    :raises NoQuestionError: there is nothing harmless to ask.
    :raises CloudElementsError: not answered, or refused.
    """
    try:
        answer = client.ask("/ping", token=token)
    except CloudElementsError as error:
        if error.status not in (404, 405, 501):
            raise
    else:
        return Pulse.PING, _request_id(answer)
    name = LIGHT_READS.get(element_key) or _first_object(client, token)
    answer = client.ask(f"/{quote(name, safe='')}", {"pageSize": "1"}, token=token)
    return Pulse.READ, _request_id(answer)


def _request_id(answer: Answer) -> str:
    return clean_text(answer.headers.get("elements-request-id"), 60)


def _first_object(client: CloudElementsClient, token: Secret) -> str:
    named = document_of(client.ask("/objects", token=token))
    names = [name for name in named if isinstance(name, str)] if isinstance(named, list) else []
    if not names:
        raise NoQuestionError
    return names[0][:200]

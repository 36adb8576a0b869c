"""Post one message to an address that a person gave: through the same door as every other call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import requests

from instances import hosts
from instances.cloud_elements import masks
from instances.cloud_elements.egress import AnswerLostError, Door
from instances.cloud_elements.errors import NotSentError
from instances.cloud_elements.json_text import clean_text
from instances.secret import Secret

# A receiver has this long for all of it, and nobody reads more of what it answers.
SECONDS = 10.0
MOST_READ = 64 * 2**10
KEPT = 200


@dataclass(frozen=True)
class Posted:
    """How a try ended: a status and the beginning of the answer, or a fixed word for what went wrong."""

    status: int | None = None
    milliseconds: int | None = None
    answer: str = ""
    problem: str = ""

    @property
    def is_accepted(self) -> bool:
        """Whether the receiver said that it has the message."""
        return self.status is not None and 200 <= self.status < 300


def post(
    url: Secret,
    body: str,
    headers: Mapping[str, str],
    *,
    secrets: Sequence[Secret] = (),
    ca_bundle: str = "",
    seconds: float = SECONDS,
) -> Posted:
    """
    Post `body` as JSON, once: no redirect is followed, and no address called that may not be.

    What is kept of the answer holds neither the query nor the path of `url`, nor any of `secrets`.
    """
    address, _, query = url.reveal().partition("?")
    sent = {"Content-Type": "application/json", "User-Agent": "Elementdesk", "Connection": "close"}
    request = requests.Request(
        "POST",
        address,
        headers={**sent, "Accept-Encoding": "identity", **headers},
        # As it was given: taken apart and put together it might be another.
        params=query,
        data=body.encode(),
    )
    door = Door(ca_bundle, seconds, find=hosts.find_webhook_host)
    try:
        answer = door.call(request, limit=MOST_READ)
    except NotSentError as error:
        return Posted(problem=error.error_class)
    except AnswerLostError as error:
        return Posted(problem=error.error_class)
    hidden = [url.reveal(), query, hosts.path_of(address), *(one.reveal() for one in secrets)]
    text = masks.without(answer.body.decode("utf-8", "replace"), [one for one in hidden if one])
    problem = "" if 200 <= answer.status < 300 else f"status-{answer.status}"
    return Posted(answer.status, round(answer.seconds * 1000), clean_text(text, KEPT), problem)

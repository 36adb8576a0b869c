"""Calls to hosts that are not the platform, through the same door: checked, pinned, bounded."""

from collections.abc import Mapping

import requests

from instances.cloud_elements.egress import Answer, AnswerLostError, Door
from instances.cloud_elements.errors import NotSentError
from instances.hosts import AllowedHost

# What such hosts are asked for is small.
LIMIT = 1024 * 1024


class NoAnswerError(Exception):
    """Nothing came back that can be used; the message is one word of ours."""


def ask(
    method: str,
    url: str,
    *,
    host: AllowedHost,
    form: Mapping[str, str] | None = None,
    login: tuple[str, str] | None = None,
    seconds: float = 10.0,
    ca_bundle: str = "",
) -> Answer:
    """
    Make one call, without following where it leads, and return the whole answer.

    :raises NoAnswerError: nothing was sent, or no whole answer came.
    """
    request = requests.Request(
        method, url, headers={"Accept": "application/json"}, data=form, auth=login
    )
    door = Door(ca_bundle=ca_bundle, seconds=seconds)
    try:
        return door.call(request, limit=LIMIT, elsewhere=host)
    except NotSentError as error:
        raise NoAnswerError(f"not sent: {error.error_class}") from None
    except AnswerLostError as error:
        raise NoAnswerError(error.error_class) from None

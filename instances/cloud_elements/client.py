"""The platform's API as we use it: every failure comes out as one named error."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from instances.cloud_elements import lists
from instances.cloud_elements.calling import Caller
from instances.cloud_elements.documents import (
    ChangeInstance,
    CreateInstance,
    FoundInstance,
    RemoteInstance,
    UnusableAnswerError,
)
from instances.cloud_elements.egress import Answer
from instances.cloud_elements.errors import (
    NotFoundError,
    OutcomeUnknownError,
    UnauthorizedError,
    UnavailableError,
)
from instances.cloud_elements.json_text import clean_text
from instances.cloud_elements.refusals import document_of, error_from
from instances.secret import Secret


class CloudElementsClient(Caller):
    """The calls of one organization, each under the platform's name for it."""

    def create_instance(
        self,
        request: CreateInstance,
        *,
        secrets: Sequence[str] = (),
        before_send: Callable[[str], None] | None = None,
    ) -> RemoteInstance:
        """
        Create an instance (POST /instances, the guide "Create Instance").

        What was typed under a secret name, and `secrets`, are masked wherever the configuration
        in the answer echoes them; error texts hold nothing typed.

        `before_send` gets the connected address when everything but the request has happened.

        :raises NotSentError: nothing left this machine; safe to repeat.
        :raises RejectedError: the platform said no; repeating is pointless.
        :raises UnauthorizedError: secrets or rights do not suffice, ours or the provider's.
        :raises ThrottledError: the platform asked to wait.
        :raises OutcomeUnknownError: it may have been created; look before repeating.
        """
        answer = self._call(
            "POST",
            "/instances",
            document=request.as_json(),
            secrets=request.typed_values(),
            hook=before_send,
        )
        remote = _instance(answer, [*secrets, *request.secrets(), *self._credentials.values()])
        if remote is None:
            raise error_from(OutcomeUnknownError, "unusable", answer)
        return remote

    def get_instance(self, remote_id: int, *, secrets: Sequence[str] = ()) -> RemoteInstance:
        """
        Read one instance (GET /instances/{id}); `secrets` are masked wherever they appear.

        :raises NotFoundError: the platform says that it does not exist.
        :raises CloudElementsError: not answered, refused, or not usable.
        """
        answer = self._call("GET", f"/instances/{remote_id}", secrets=secrets)
        remote = _instance(answer, [*secrets, *self._credentials.values()])
        if remote is None or remote.remote_id != remote_id:
            raise error_from(UnavailableError, "unusable", answer)
        return remote

    def delete_instance(
        self, remote_id: int, *, before_send: Callable[[str], None] | None = None
    ) -> None:
        """
        Delete an instance by its id (DELETE /instances/{id}, answered with 200).

        Never by its token: the platform would take that for a call in the instance's name.

        :raises RejectedError: 404, the platform knows no such instance.
        :raises OutcomeUnknownError: it may have been deleted; class `conflict`: it is in use (409).
        :raises CloudElementsError: as `create_instance`.
        """
        self._call("DELETE", f"/instances/{remote_id}", hook=before_send)

    def enable_instance(
        self, remote_id: int, *, before_send: Callable[[str], None] | None = None
    ) -> None:
        """
        Let an instance take calls (PUT /instances/{id}/enabled, without a body).

        Safe to repeat. No source shows the answer's body: it is not read.

        :raises RejectedError: refused, or 404: the platform knows no such instance.
        :raises CloudElementsError: as `create_instance`.
        """
        self._call("PUT", f"/instances/{remote_id}/enabled", hook=before_send)

    def disable_instance(
        self, remote_id: int, *, before_send: Callable[[str], None] | None = None
    ) -> None:
        """
        Keep an instance from taking calls (DELETE /instances/{id}/enabled); nothing is lost.

        Safe to repeat.

        :raises CloudElementsError: as `enable_instance`.
        """
        self._call("DELETE", f"/instances/{remote_id}/enabled", hook=before_send)

    def change_instance(
        self,
        remote_id: int,
        change: ChangeInstance,
        *,
        before_send: Callable[[str], None] | None = None,
    ) -> None:
        """
        Change name, tags or single configuration values (PATCH /instances/{id}).

        Tags replace all tags (churros suite). New credentials are tried at the provider, under the
        same id; the answer is not read, since reading the instance afterwards tells more.

        :raises MaskedValueError: a mask stands where a value belongs; nothing was sent.
        :raises UnauthorizedError: secrets or rights do not suffice, ours or the provider's.
        :raises CloudElementsError: as `create_instance`.
        """
        self._call(
            "PATCH",
            f"/instances/{remote_id}",
            document=change.as_json(),
            secrets=change.typed_values(),
            hook=before_send,
        )

    def replace_tags(self, remote_id: int, tags: Sequence[str]) -> None:
        """
        Make `tags` the tags of an instance (PATCH /instances/{id}); the others are lost.

        Safe to repeat.

        :raises CloudElementsError: not answered, or refused.
        """
        self._call("PATCH", f"/instances/{remote_id}", document={"tags": list(tags)})

    def find_instances(
        self, *, tag: str = "", search_text: str = "", secrets: Sequence[str] = ()
    ) -> list[FoundInstance]:
        """
        List instances by tag or by text, through all pages; without either, all of them.

        The platform answers 404, in its own error shape and saying "No … found", for an empty list
        (churros suite); only that is taken for empty. A filter may be ignored: callers compare
        for themselves. Lines without a usable id are left out and counted in the log.
        `secrets` are masked where an error's text echoes them.

        :raises CloudElementsError: not answered, refused, or not a list.
        """
        pages = self.pages_of_instances(tag=tag, search_text=search_text, secrets=secrets)
        return [found for page in pages for found in page]

    def pages_of_instances(
        self, *, tag: str = "", search_text: str = "", secrets: Sequence[str] = ()
    ) -> Iterator[list[FoundInstance]]:
        """
        List instances as `find_instances` does, holding one page at a time.

        :raises CloudElementsError: as there, from the page that was not had.
        """
        filters = {"tags[]": tag} if tag else {}
        filters |= {"searchText": search_text} if search_text else {}

        def ask(query: Mapping[str, str]) -> Answer:
            return self._call(
                "GET", "/instances", query=query, secrets=secrets, limit=lists.ONE_PAGE
            )

        return lists.pages(ask, filters, [*secrets, *self._credentials.values()])

    def identify(self) -> str:
        """
        Return the platform's id of the account that the secrets open, "" if it may not be read.

        The answer holds the organization secret (churros suite): it is not kept.

        :raises UnauthorizedError: the secrets are not accepted (401).
        :raises CloudElementsError: not answered.
        """
        try:
            answer = self._call("GET", "/organizations/me")
        except UnauthorizedError as error:
            if error.status == 401:
                raise
            return ""
        except NotFoundError:
            return ""
        document = document_of(answer)
        if not isinstance(document, dict):
            raise error_from(UnavailableError, "garbled", answer)
        identity = document.get("id")
        is_usable = isinstance(identity, int | str) and not isinstance(identity, bool)
        return clean_text(str(identity), 100) if is_usable else ""

    def ask(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        token: Secret | None = None,
        secrets: Sequence[str] = (),
    ) -> Answer:
        """
        Ask a question (GET); with a `token` in the name of that instance, so that its provider answers.

        What a provider says speaks for its instance only, and is no failure of the platform.
        `secrets` are masked where an error's text echoes them.

        :raises CloudElementsError: not answered, or refused.
        """
        return self._call("GET", path, query=query, element=token, secrets=secrets)


def _instance(answer: Answer, secrets: Sequence[str]) -> RemoteInstance | None:
    try:
        remote = RemoteInstance.parse(document_of(answer), secrets)
    except UnusableAnswerError:
        return None
    request_id = clean_text(answer.headers.get("elements-request-id"), 60)
    return replace(remote, request_id=request_id, http_status=answer.status)

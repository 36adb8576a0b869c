"""What an error page or an error mail may tell: nothing that somebody typed."""

from collections.abc import ItemsView
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter

# Of a request's headers and of the process's environment, what helps and cannot be a secret.
TELLING = frozenset(("REQUEST_METHOD", "PATH_INFO", "CONTENT_TYPE", "SERVER_NAME", "REMOTE_ADDR"))


class NothingPrivateFilter(SafeExceptionReporterFilter):
    """Hide what was posted, variables, settings, headers and cookies, with DEBUG on or off."""

    def is_active(self, request: HttpRequest | None) -> bool:
        return True

    def get_safe_settings(self) -> dict[str, Any]:
        return {}

    def get_safe_request_meta(self, request: HttpRequest) -> dict[str, Any]:
        return {name: value for name, value in request.META.items() if name in TELLING}

    def get_safe_cookies(self, request: HttpRequest) -> dict[str, Any]:
        return dict.fromkeys(request.COOKIES, self.cleansed_substitute)

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        if request is None:
            return {}
        return dict.fromkeys(request.POST, self.cleansed_substitute)

    def get_traceback_frame_variables(
        self, request: HttpRequest | None, tb_frame: Any
    ) -> ItemsView[str, Any]:
        return dict.fromkeys(tb_frame.f_locals, self.cleansed_substitute).items()

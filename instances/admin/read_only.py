"""Pages of Django admin that only show rows, however many there are."""

from typing import TypeVar, cast

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

MOST_COUNTED = 10_000
Row = TypeVar("Row", bound=Model)


class CappedPaginator(Paginator[Row]):
    """Pages of the first rows; whoever looks for others narrows the list."""

    @cached_property
    def count(self) -> int:
        """How many rows there are, counted up to a limit."""
        return cast("QuerySet[Row]", self.object_list)[:MOST_COUNTED].count()


class ReadOnlyAdmin(admin.ModelAdmin[Row]):
    """Shown newest first and searched, never added, changed or deleted."""

    ordering = ("-pk",)
    list_per_page = 50
    show_full_result_count = False
    paginator = CappedPaginator

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return False

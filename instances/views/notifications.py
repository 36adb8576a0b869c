"""The bell's page, and how somebody wants to be told."""

from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from instances import audience, operations
from instances.forms import PagePosition, PreferencesForm
from instances.models import Notification
from instances.views.finding import SignedInRequest
from instances.views.keyset import page_of
from instances.wording import Words, words


class Line(NamedTuple):
    """One notification as its page shows it; without words if the right to see them ended."""

    row: Notification
    words: Words | None


@require_safe
def notification_list(request: SignedInRequest) -> HttpResponse:
    """Show what the person was told of, newest first; of what they may not see any more only that it was."""
    together = ("organization", "instance", "finding", "share__granted_by")
    mine = Notification.objects.in_app().filter(user=request.user)
    mine = mine.select_related("notice", *(f"notice__{name}" for name in together))
    page = page_of(mine, PagePosition(request.GET), size=30)
    shown = audience.shown_among(request.user, [row.notice for row in page.rows])
    lines = [Line(row, words(row.notice) if row.notice_id in shown else None) for row in page.rows]
    context = {"page": page, "lines": lines}
    return render(request, "account/notification_list.html", context)


@require_POST
def notification_read(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Note that one was seen, and lead to what it is about if that was asked for."""
    row = Notification.objects.in_app().filter(user=request.user, pk=pk)
    found = row.select_related("notice__organization", "notice__instance", "notice__finding")
    notification = found.first()
    if notification is None:
        raise Http404
    operations.mark_read(actor=request.user, notification=pk)
    is_shown = audience.shown_among(request.user, [notification.notice])
    if "open" in request.POST and is_shown:
        return redirect(words(notification.notice).path)
    return redirect("instances:notifications")


@require_POST
def notifications_read(request: SignedInRequest) -> HttpResponse:
    """Note that all were seen, up to the newest that the page showed."""
    try:
        until = UUID(request.POST.get("until", ""))
    except ValueError as error:
        raise Http404 from error
    operations.mark_all_read(actor=request.user, until=until)
    return redirect("instances:notifications")


@require_http_methods(["GET", "POST"])
def preferences(request: SignedInRequest) -> HttpResponse:
    """Show how the person is told of what; change it."""
    form = PreferencesForm(request.POST if request.method == "POST" else None, user=request.user)
    if request.method == "POST" and form.is_valid():
        operations.choose(actor=request.user, chosen=form.chosen())
        messages.success(request, "From now on you are told like that.")
        return redirect("instances:preferences")
    context = {
        "form": form,
        "sends_mail": settings.TELLING["SENDS_MAIL"],
        "digest_hour": settings.TELLING["DIGEST_HOUR"],
    }
    status = 422 if form.errors else 200
    return render(request, "account/preferences.html", context, status=status)

"""How one instance is doing: now, on each of 90 days, and check by check."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from instances import operations
from instances.forms import PagePosition
from instances.models import HealthCheck, HealthDay, Instance
from instances.models.health import today
from instances.views import charts
from instances.views.detail import frame
from instances.views.diagnosis import Diagnosis
from instances.views.finding import SignedInRequest, find_instance, missing_unless_allowed
from instances.views.keyset import page_of
from instances.views.settling import render_settled

CHECKS_SHOWN = 20


@require_safe
def instance_health(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Show state, strip, plot and checks; asked by htmx, only the state."""
    instance = find_instance(request.user, pk)
    context = frame(request.user, instance)
    template = "instances/instance_health.html"
    is_part = request.headers.get("HX-Target") == "health"
    if is_part and _is_testing(context["diagnosis"]):
        return render(request, f"{template}#state", context)
    context |= _pictures(instance) | {"page": _checks(instance, request)}
    return (render_settled if is_part else render)(request, template, context)


def _checks(instance: Instance, request: SignedInRequest) -> Any:
    rows = HealthCheck.objects.filter(instance=instance).select_related("asked_by")
    return page_of(rows, PagePosition(request.GET), size=CHECKS_SHOWN)


def _is_testing(diagnosis: Diagnosis | None) -> bool:
    row = diagnosis.health if diagnosis else None
    return row is not None and row.asked_at is not None


def _pictures(instance: Instance) -> dict[str, Any]:
    last = today()
    wanted = charts.days_until(last)
    days = list(HealthDay.objects.filter(instance=instance, day__gte=wanted[0]).order_by("day"))
    found = {row.day: row for row in days}
    means = [found[day].mean_ms if day in found else None for day in wanted]
    calls = [_mean_call(found.get(day)) for day in wanted]
    most = max([value for value in (*means, *calls) if value is not None], default=0)
    return {
        "days": days[::-1],
        "cells": charts.strip(days, last),
        "first_day": wanted[0],
        "checks": sum(day.checks for day in days),
        "good": sum(day.good for day in days),
        "calls": sum(day.calls for day in days),
        "failed_calls": sum(day.failed_calls for day in days),
        "answers": charts.plot(means, most=most),
        "real": charts.plot(calls, most=most),
    }


def _mean_call(day: HealthDay | None) -> float | None:
    return day.calls_ms / day.calls if day and day.calls else None


@require_POST
@missing_unless_allowed
def health_test(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Ask for a test now; a worker makes it, and the page shows it."""
    instance = find_instance(request.user, pk)
    try:
        if not operations.request_test(actor=request.user, instance=instance):
            messages.info(request, "A test is under way already.")
    except operations.NotTestableError:
        messages.info(request, "Only an active instance can be tested.")
    return redirect("instances:instance_health", instance.pk)

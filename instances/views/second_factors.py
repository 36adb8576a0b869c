"""One's second factors: an app, passkeys, codes for the day when they are lost."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.safestring import mark_safe
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from instances import one_time, operations
from instances.assurance import has_second_factor, lacks_second_factor
from instances.forms import AppForm, PasskeyForm
from instances.models import FactorKind, RecoveryCode, SecondFactor
from instances.passkeys import NotProvenError
from instances.views.account import session_row
from instances.views.finding import SignedInRequest
from instances.views.proofs import keep_question, place_of, take_question
from instances.views.second_check import caller, own_check


@require_safe
def account_factors(request: SignedInRequest) -> HttpResponse:
    """Show one's second factors."""
    factors = list(SecondFactor.objects.usable().filter(user=request.user).order_by("created_at"))
    context = {
        "factors": factors,
        "has_app": any(one.kind == FactorKind.APP for one in factors),
        "must_have": lacks_second_factor(request.user),
        "codes_left": RecoveryCode.objects.filter(user=request.user, used_at=None).count(),
    }
    return render(request, "account/factors.html", context)


@own_check
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def app_add(request: SignedInRequest) -> HttpResponse:
    """Show the picture that an app reads; take the app into use by its first code."""
    data = request.POST if request.method == "POST" else None
    form = AppForm(data, actor=request.user, address=caller())
    if request.method == "POST" and form.is_valid():
        return _added(request, form.codes, "Your authenticator app is in use.")
    seed, address = operations.address_of(operations.begin_app(actor=request.user))
    context = {
        "form": form,
        "seed": " ".join(seed[at : at + 4] for at in range(0, len(seed), 4)),
        "picture": mark_safe(one_time.picture(address)),  # noqa: S308  # numbers only
    }
    status = (429 if form.is_throttled else 422) if form.errors else 200
    return render(request, "account/app_add.html", context, status=status)


@own_check
@require_http_methods(["GET", "POST"])
def passkey_add(request: SignedInRequest) -> HttpResponse:
    """Let the browser make a passkey, and take it into use."""
    form = PasskeyForm(request.POST if request.method == "POST" else None)
    place = place_of(request)
    if request.method == "POST" and form.is_valid():
        try:
            codes = operations.add_passkey(
                actor=request.user,
                place=place,
                kept=take_question(request),
                answer=form.cleaned_data["credential"],
                name=form.cleaned_data["name"],
            )
        except NotProvenError:
            form.add_error(None, "The browser's answer was not right, or too late. Try again.")
        else:
            return _added(request, codes, f"{form.cleaned_data['name']} is in use.")
    question = operations.ask_new_passkey(actor=request.user, place=place)
    context = {"form": form, "asked": keep_question(request, question)}
    status = 422 if form.errors else 200
    return render(request, "account/passkey_add.html", context, status=status)


def _added(request: SignedInRequest, codes: list[str], text: str) -> HttpResponse:
    """Sign out the browsers that showed a password only, and show the codes of a first factor once."""
    if not codes:
        messages.success(request, text)
        return redirect("instances:account_factors")
    operations.end_other_sessions(actor=request.user, keep=session_row(request))
    return render(request, "account/codes.html", {"codes": codes, "text": text})


@own_check
@require_POST
def codes_renew(request: SignedInRequest) -> HttpResponse:
    """Show new recovery codes once; the old ones are dead."""
    if not has_second_factor(request.user):
        return redirect("instances:account_factors")
    codes = operations.renew_codes(actor=request.user)
    text = "The codes from before do not work any more."
    return render(request, "account/codes.html", {"codes": codes, "text": text})


@own_check
@require_http_methods(["GET", "POST"])
def factor_remove(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Ask whether to remove a second factor, then remove it."""
    rows = SecondFactor.objects.usable().filter(user=request.user)
    factor = get_object_or_404(rows, pk=pk)
    if request.method == "POST":
        operations.remove_factor(actor=request.user, factor=factor)
        messages.success(request, f"{factor} is removed.")
        return redirect("instances:account_factors")
    context = {"factor": factor, "is_last": rows.count() == 1}
    return render(request, "account/factor_remove.html", context)

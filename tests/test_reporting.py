"""An error page or mail shows neither settings nor cookies, headers, forms or variables."""

import pytest
from django.conf import settings
from django.test import RequestFactory
from django.views.debug import ExceptionReporter

PLANTED = "planted-3f1c9e-in-a-place-of-its-own"


@pytest.mark.parametrize("form", ["html", "text"])
def test_a_report_of_an_error_holds_nothing_private(form: str) -> None:
    settings.CELERY_BROKER_URL, kept = f"redis://:{PLANTED}1@host/0", settings.CELERY_BROKER_URL
    request = RequestFactory().post("/instances/new/", {"name": f"{PLANTED}2"})
    request.COOKIES["csrftoken"] = f"{PLANTED}3"
    request.META |= {"HTTP_COOKIE": f"{PLANTED}4", "HTTP_X_CSRFTOKEN": f"{PLANTED}5"}
    try:
        variable = f"{PLANTED}6"
        raise ValueError(len(variable))
    except ValueError as error:
        reporter = ExceptionReporter(request, type(error), error, error.__traceback__)
    finally:
        settings.CELERY_BROKER_URL = kept
    report = reporter.get_traceback_html() if form == "html" else reporter.get_traceback_text()
    assert "ValueError" in report
    # The source line that planted the sixth is shown, its value is not.
    assert [number for number in "12345" if PLANTED + number in report] == []
    assert PLANTED + "6" not in report

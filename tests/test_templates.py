"""What holds for the source of every page."""

import re
from pathlib import Path

from django.conf import settings

TEMPLATES = Path(settings.BASE_DIR) / "templates"
# An included file ends with a line break, which browsers show as a space.
BREAK_BEFORE_MARK = re.compile(r'\{% include "includes/time\.html"[^%]*%\}[.,;:)]')


def test_no_space_stands_between_a_moment_and_a_punctuation_mark() -> None:
    pages = list(TEMPLATES.rglob("*.html"))
    assert len(pages) > 50
    assert [page.name for page in pages if BREAK_BEFORE_MARK.search(page.read_text())] == []

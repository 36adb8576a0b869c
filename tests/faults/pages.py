"""A form as a browser would send it back: every field with the value that it shows."""

from html.parser import HTMLParser

NEVER_SENT = ("submit", "button", "image", "file")


class _Fields(HTMLParser):
    """Collects the fields of every form that is sent by POST."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._is_inside = False
        self._select = self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value if value is not None else "" for name, value in attrs}
        if tag == "form":
            self._is_inside = given.get("method", "").lower() == "post"
        elif self._is_inside:
            self._take(tag, given)

    def _take(self, tag: str, given: dict[str, str]) -> None:
        name = given.get("name", "")
        if tag == "input" and name and given.get("type", "") not in NEVER_SENT:
            is_choice = given.get("type") in ("checkbox", "radio")
            if not is_choice or "checked" in given:
                self.fields[name] = given.get("value", "on" if is_choice else "")
        elif tag == "textarea":
            self._area, self.fields[name] = name, ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            if "selected" in given or self._select not in self.fields:
                self.fields[self._select] = given.get("value", "")
        elif tag == "button" and name == "reviewed":
            self.fields[name] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._area:
            self.fields[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""
        elif tag == "select":
            self._select = ""


def fields_of(page: str) -> dict[str, str]:
    """Return the fields of a page's forms by name; `reviewed` is that of the button, if it is there."""
    parser = _Fields()
    parser.feed(page)
    return parser.fields

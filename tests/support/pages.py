"""Reading pages in tests: a small look at HTML without a browser."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

from django.test import Client

from compliance.models import User

PLAIN_STATIC = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
"""Storages for tests of pages: file names without hashes need no collectstatic before."""

_VOID = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source"})


@dataclass(slots=True)
class Element:
    """One element with its attributes and all text inside it."""

    name: str
    attributes: dict[str, str]
    parts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text, blanks collapsed."""
        return " ".join("".join(self.parts).split())


class Page(HTMLParser):
    """All elements of a page in the order they begin."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.html = html
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost element of that name; cells and items stand apart."""
        if tag in ("td", "th", "li", "dd", "dt", "p"):
            self.handle_data(" ")
        for at in range(len(self._open) - 1, -1, -1):
            if self._open[at].name == tag:
                del self._open[at:]
                return

    def handle_data(self, data: str) -> None:
        """Text belongs to everything around it."""
        for element in self._open:
            element.parts.append(data)

    def all(self, name: str, /, **attributes: str) -> list[Element]:
        """Elements of that name with these attributes; ``class_`` is one of its classes."""
        return [element for element in self.elements if element.name == name and _fits(element, attributes)]

    @property
    def text(self) -> str:
        """Everything a person can read."""
        return self.all("body")[0].text if self.all("body") else " ".join(self.html.split())

    @property
    def rows(self) -> list[Element]:
        """The rows of all table bodies: those that have a row header."""
        return [row for row in self.all("tr") if row.text][1:]


def _fits(element: Element, wanted: dict[str, str]) -> bool:
    for name, value in wanted.items():
        if name == "class_":
            if value not in element.attributes.get("class", "").split():
                return False
        elif element.attributes.get(name.replace("_", "-")) != value:
            return False
    return True


def logged_in(person: User) -> Client:
    """A browser of somebody's."""
    client = Client()
    client.force_login(person)
    return client


def get(client: Client, url: str, *, status: int = 200) -> Page:
    """Ask for a page and read it."""
    response = client.get(url)
    assert response.status_code == status, response.content[:2000]
    return Page(response.content.decode())


def get_part(client: Client, url: str, **headers: str) -> str:
    """Ask as htmx does."""
    response = client.get(url, headers={"HX-Request": "true", **headers})
    assert response.status_code in (200, 286), response.content[:2000]
    return str(response.content.decode())

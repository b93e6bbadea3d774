"""What a browser sends of a form that nobody has touched."""

from __future__ import annotations

from typing import Any

from django.forms import BaseForm

from tests.support.pages import Element, Page


def browser_sends(form: BaseForm) -> dict[str, Any]:
    """Every successful control of the form as it is drawn (HTML, "Constructing the entry list")."""
    return page_sends(Page(f"<form>{form.as_p()}</form>"))


def page_sends(page: Page) -> dict[str, Any]:
    """The same for all forms of a page; the last control of a name wins, as there are no lists here."""
    sent: dict[str, Any] = {}
    select = ""
    for element in page.elements:
        attributes = element.attributes
        if element.name == "select":
            select = attributes.get("name", "")
        elif element.name == "option" and select and ("selected" in attributes or select not in sent):
            sent[select] = attributes.get("value", element.text)
        elif element.name == "textarea":
            # A browser drops the first line end after the tag.
            sent[attributes["name"]] = "".join(element.parts).removeprefix("\r").removeprefix("\n")
        elif element.name == "input" and "name" in attributes and _is_sent(element):
            sent[attributes["name"]] = attributes.get("value", "on" if attributes.get("type") == "checkbox" else "")
    return sent


def _is_sent(element: Element) -> bool:
    kind = element.attributes.get("type", "text")
    return kind not in ("checkbox", "radio") or "checked" in element.attributes

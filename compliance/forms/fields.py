"""Fields that several forms need: many names in one text, and secrets that go in and never come out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms

_LONGEST_TEXT = 50_000
_PLAIN = {"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}


class NamesField(forms.CharField):
    """Names or patterns separated by blanks, commas or line ends; the value is a tuple without doubles.

    :param most: how many are taken.
    :param parse: reads one and says why it is none with a ``ValueError``.
    """

    def __init__(self, *, most: int, longest: int, parse: Callable[[str], object] | None = None, **rest: Any) -> None:
        self.most, self.longest, self.parse = most, longest, parse
        rest.setdefault("required", False)
        rest.setdefault("widget", forms.Textarea(attrs={**_PLAIN, "rows": 2}))
        super().__init__(max_length=most * (longest + 2), **rest)

    def prepare_value(self, value: Any) -> Any:
        """One a line, or in the one line there is."""
        between = "\n" if isinstance(self.widget, forms.Textarea) else " "
        return between.join(value) if isinstance(value, (list, tuple)) else value

    def clean(self, value: Any) -> tuple[str, ...]:
        """Split, then look at each.

        :raises ValidationError: for too many, too long ones, and what ``parse`` refuses.
        """
        found = tuple(dict.fromkeys(super().clean(value).replace(",", " ").split()))
        if len(found) > self.most:
            raise forms.ValidationError(f"These are {len(found)}; at most {self.most} are allowed.")
        for name in found:
            self._look_at(name)
        return found

    def _look_at(self, name: str) -> None:
        if len(name) > self.longest:
            raise forms.ValidationError(f"“{name[:40]}…” is longer than {self.longest} characters.")
        if not name.isprintable():
            raise forms.ValidationError("There is a character that cannot be printed.")
        if self.parse is None:
            return
        try:
            self.parse(name)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


class ParsedField(forms.CharField):
    """A text that a pure parser turns into a tuple.

    :param parse: says why it cannot with a ``ValueError``.
    """

    def __init__(self, *, parse: Callable[[str], tuple[str, ...]], **rest: Any) -> None:
        self.parse = parse
        rest.setdefault("widget", forms.Textarea(attrs={**_PLAIN, "rows": 2}))
        super().__init__(required=False, max_length=_LONGEST_TEXT, **rest)

    def prepare_value(self, value: Any) -> Any:
        """One a line, or in the one line there is."""
        between = "\n" if isinstance(self.widget, forms.Textarea) else ", "
        return between.join(value) if isinstance(value, (list, tuple)) else value

    def clean(self, value: Any) -> tuple[str, ...]:
        """Parse.

        :raises ValidationError: in the parser's own words.
        """
        try:
            return self.parse(super().clean(value))
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


class SecretArea(forms.Textarea):
    """A text of several lines that is never written back into a page."""

    def format_value(self, value: Any) -> str:
        """Nothing, whatever was entered."""
        return ""


def plain_text(**attrs: str) -> forms.TextInput:
    """A line for addresses and names of machines: no capitals, no spelling."""
    return forms.TextInput(attrs={**_PLAIN, **attrs})


def secret(label: str, help_text: str = "", *, longest: int = 20_000, area: bool = False) -> forms.CharField:
    """What goes in and never comes out; empty keeps what is stored."""
    attrs = {"autocomplete": "new-password", "spellcheck": "false"}
    widget: forms.Widget = SecretArea(attrs={**attrs, "rows": 3}) if area else forms.PasswordInput(attrs=attrs)
    return forms.CharField(
        label=label, max_length=longest, required=False, strip=False, help_text=help_text, widget=widget
    )

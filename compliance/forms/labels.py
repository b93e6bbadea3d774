"""The labels of a repository, as somebody types them."""

from __future__ import annotations

from typing import Any

from django import forms

from compliance.forms.fields import ParsedField, plain_text
from compliance.policy.labels import GRAMMAR, MOST_GIVEN, Relabel, parse_labels


class LabelsForm(forms.Form):
    """All labels of a repository; ``was``: those somebody saw when they began to type."""

    labels = ParsedField(
        parse=parse_labels,
        label="Labels",
        widget=plain_text(maxlength="1000", autofocus="autofocus"),
        help_text=f"{GRAMMAR} Up to {MOST_GIVEN} of them, with blanks or commas between; capital letters become small.",
    )
    was = ParsedField(parse=parse_labels, widget=forms.HiddenInput())

    def __init__(self, data: Any = None, *, labels: tuple[str, ...], of: int) -> None:
        # Several may stand in one list, each in the row of its repository.
        super().__init__(data, initial={"labels": labels, "was": labels}, auto_id=f"%s-{of}")

    @property
    def change(self) -> Relabel:
        """What differs from what was seen: labels that somebody else gave meanwhile stay; after validation."""
        labels, was = frozenset(self.cleaned_data["labels"]), frozenset(self.cleaned_data["was"])
        return Relabel(labels - was, was - labels)

"""How long what is forgotten after a while is kept."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from compliance.models.retention import FEWEST_DAYS, MOST_DAYS
from compliance.services.keep_for import Chosen

_ERROR: Final = f"Enter whole days, from {FEWEST_DAYS} to {MOST_DAYS}, or nothing to keep to the environment."


def _days(label: str) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        required=False,
        min_value=FEWEST_DAYS,
        max_value=MOST_DAYS,
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), _ERROR),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )


class RetentionForm(forms.Form):
    """A field for each kind; empty: as the environment says."""

    events = _days("Days that announcements of registries are kept")
    messages = _days("Days that messages are kept after they ended")

    def __init__(self, data: Any = None, *, chosen: Chosen, default: int) -> None:
        super().__init__(data, initial={"events": chosen.events, "messages": chosen.messages})
        for field in self.fields.values():
            field.widget.attrs["placeholder"] = str(default)

    def chosen(self) -> Chosen:
        """What was entered; after validation."""
        return Chosen(self.cleaned_data["events"], self.cleaned_data["messages"])

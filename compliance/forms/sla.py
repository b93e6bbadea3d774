"""How many days there are to fix what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django import forms

from compliance.remediation.sla import Terms
from scanner.domain.verdict import Severity

MOST_DAYS: Final = 3_650
_ERROR: Final = f"Enter whole days, from 1 to {MOST_DAYS:,}, or nothing for no due date."


def _name(rank: int, protected: bool) -> str:
    return f"days-{rank}-{'protected' if protected else 'other'}"


class SlaForm(forms.Form):
    """A field for each severity, on protected tags and elsewhere; empty: no due date."""

    def __init__(self, data: Any = None, *, terms: Terms) -> None:
        super().__init__(data, initial={_name(*key): days for key, days in terms.items()})
        for rank, severity in enumerate(Severity):
            for protected in (True, False):
                where = "on protected tags" if protected else "elsewhere"
                self.fields[_name(rank, protected)] = forms.IntegerField(
                    label=f"Days for {severity.value} {where}",
                    required=False,
                    min_value=1,
                    max_value=MOST_DAYS,
                    error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), _ERROR),
                    widget=forms.NumberInput(attrs={"inputmode": "numeric", "placeholder": "none"}),
                )

    def rows(self) -> list[Mapping[str, object]]:
        """What a table shows: each severity with its two fields."""
        return [
            {"severity": severity.value, "protected": self[_name(rank, True)], "other": self[_name(rank, False)]}
            for rank, severity in enumerate(Severity)
        ]

    def terms(self) -> Terms:
        """What was entered; after validation."""
        keys = [(rank, protected) for rank in range(len(Severity)) for protected in (True, False)]
        return {key: self.cleaned_data[_name(*key)] for key in keys}

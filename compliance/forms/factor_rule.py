"""Of whom a second factor is demanded."""

from __future__ import annotations

from django import forms

from compliance.access import Demand
from compliance.models import DemandChoice


class FactorRuleForm(forms.Form):
    """One choice; ``wanted`` is it once it is valid."""

    demand = forms.ChoiceField(
        choices=DemandChoice.choices, widget=forms.RadioSelect, label="Who must have a second factor"
    )

    @property
    def wanted(self) -> Demand:
        """What was chosen."""
        return Demand(self.cleaned_data["demand"])

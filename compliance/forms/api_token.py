"""A new API token: what it is called, what it is good for, how long."""

from __future__ import annotations

from django import forms
from django.http import QueryDict

from compliance.forms.people import printable
from compliance.models import ScopeChoice
from compliance.services.api_tokens import LONGEST_DAYS, Wanted

_ORDINARY_DAYS = 90


class ApiTokenForm(forms.Form):
    """What is asked of whoever makes a token; ``wanted`` is the answer once it is valid."""

    name = forms.CharField(
        max_length=100,
        label="Name",
        validators=[printable],
        help_text="Where it is used, as you will know it by.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    days = forms.IntegerField(
        min_value=1,
        max_value=LONGEST_DAYS,
        initial=_ORDINARY_DAYS,
        label="Expires after days",
        help_text=f"At most {LONGEST_DAYS}.",
    )
    scopes = forms.MultipleChoiceField(
        choices=ScopeChoice.choices,
        widget=forms.CheckboxSelectMultiple,
        label="What it may read",
        error_messages={"required": "Choose at least one."},
    )
    stamp = forms.CharField(max_length=20, required=False, widget=forms.HiddenInput)

    @staticmethod
    def entered(data: QueryDict) -> dict[str, list[str]]:
        """What was entered of a new token, to stand in an address."""
        return {name: [str(each) for each in data.getlist(name)] for name in ("name", "days", "scopes") if name in data}

    @staticmethod
    def again(data: QueryDict) -> dict[str, object]:
        """That, to be shown in the form."""
        texts = {name: data[name] for name in ("name", "days") if data.get(name)}
        return {**texts, "scopes": data.getlist("scopes")}

    @property
    def wanted(self) -> Wanted:
        """What was asked for."""
        data = self.cleaned_data
        return Wanted(data["name"], [ScopeChoice(scope) for scope in data["scopes"]], data["days"], data["stamp"])

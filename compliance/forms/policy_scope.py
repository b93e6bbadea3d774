"""Giving repositories to a policy by a pattern over their names."""

from __future__ import annotations

from typing import Any

from django import forms

from compliance.models import Registry
from compliance.policy.assignment import LONGEST_PATTERN, InvalidPattern, parse_pattern


class ScopeForm(forms.Form):
    """A pattern, on one registry or on all."""

    pattern = forms.CharField(
        label="Repositories",
        max_length=LONGEST_PATTERN,
        help_text="A name or a pattern such as team-a/*: * is any text, slashes too, ? any character.",
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}),
    )
    registry = forms.ChoiceField(label="Of", required=False)

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self._registries = {row.slug: row for row in Registry.objects.order_by("name")}
        choices = [("", "All registries"), *((slug, row.name) for slug, row in self._registries.items())]
        self.fields["registry"].choices = choices  # type: ignore[attr-defined]  # it is the ChoiceField above

    def clean_pattern(self) -> str:
        """What some repository can be called."""
        try:
            return parse_pattern(self.cleaned_data["pattern"])
        except InvalidPattern as error:
            raise forms.ValidationError(str(error)) from error

    @property
    def chosen_registry(self) -> Registry | None:
        """The registry, or ``None`` for all; after validation."""
        return self._registries.get(self.cleaned_data["registry"])

"""What somebody says of themselves, and how the site is for them."""

from __future__ import annotations

from typing import Any

from django import forms

from compliance.forms.people import printable
from compliance.models import User
from compliance.policy.schedule import InvalidSchedule, zone_named


class ProfileForm(forms.Form):
    """One's own name, time zone and keys. What others find somebody by is an administrator's to change."""

    first_name = forms.CharField(max_length=150, label="First name", required=False, validators=[printable])
    last_name = forms.CharField(max_length=150, label="Last name", required=False, validators=[printable])
    time_zone = forms.CharField(
        max_length=64,
        label="Time zone",
        help_text="Its IANA name. Dates end, and moments are shown, by this clock; UTC stands beside them.",
        widget=forms.TextInput(
            attrs={"list": "zones", "autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}
        ),
    )
    shortcuts = forms.BooleanField(
        label="Single keys do something",
        required=False,
        help_text="Switch them off where speech input or an unsteady hand presses them by chance.",
    )

    def __init__(self, data: Any = None, *, person: User) -> None:
        super().__init__(data, initial={name: getattr(person, name) for name in self.base_fields})

    def clean_time_zone(self) -> str:
        """One that is known here."""
        try:
            return zone_named(str(self.cleaned_data["time_zone"])).key
        except InvalidSchedule as error:
            raise forms.ValidationError(str(error)) from error

"""How long waivers of what a policy finds may last, and who has to agree."""

from __future__ import annotations

from typing import Final

from django import forms

LONGEST_DAYS: Final = 730


class PolicyWaiversForm(forms.Form):
    """The two settings; they count for what waivers begin to cover from now on."""

    waiver_days = forms.IntegerField(label="Longest, in days", min_value=1, max_value=LONGEST_DAYS)
    second_person = forms.BooleanField(
        label="Somebody else than its author approves a waiver",
        required=False,
        help_text="Otherwise who may approve waivers approves their own by saving them.",
    )

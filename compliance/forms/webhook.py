"""Making an endpoint for pushes and rotating its secret."""

from __future__ import annotations

from typing import Any

from django import forms

from compliance.services.webhook_endpoints import LONGEST_OVERLAP
from compliance.webhooks.senders import ALL

_MOST_HOURS = int(LONGEST_OVERLAP.total_seconds()) // 3_600


class ProductForm(forms.Form):
    """What sends the pushes."""

    product = forms.ChoiceField(
        label="What announces the pushes",
        choices=[(sender.key, sender.title) for sender in ALL],
        help_text="Each product proves itself and words its requests in its own way.",
    )

    def __init__(self, data: Any = None, *, suggested: str = "") -> None:
        super().__init__(data, initial={"product": suggested}, auto_id="id_%s")


class RotateForm(forms.Form):
    """How long the old secret counts beside the new one."""

    hours = forms.IntegerField(
        label="Hours for which the old secret counts too",
        min_value=0,
        max_value=_MOST_HOURS,
        initial=24,
        help_text=f"Until the new one is entered in the registry. 0 ends the old one at once; at most {_MOST_HOURS}.",
    )

"""A new channel: what it is called, and where it leads, which is never shown again."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import validate_email

from compliance.forms.fields import plain_text
from compliance.models import ChannelKind
from compliance.outgoing.request import InvalidDestination
from compliance.services.save_channel import Wanted, shown

_LONGEST_TARGET = 2_000
_LONGEST_MAIL = 254


class ChannelForm(forms.Form):
    """What is asked of whoever adds a channel; ``wanted`` is the answer once it is valid."""

    kind = forms.ChoiceField(
        choices=[
            (ChannelKind.MAIL, "Mail"),
            (ChannelKind.SLACK, "Slack, or alike"),
            (ChannelKind.WEBHOOK, "Signed webhook"),
        ],
        label="Kind",
    )
    name = forms.CharField(max_length=100, label="Name", help_text="As you will know it by in the table.")
    target = forms.CharField(
        max_length=_LONGEST_TARGET,
        label="Address",
        widget=plain_text(),
        help_text="A mail address, or the https:// address of a chat or a webhook. Only its host is shown afterwards.",
    )
    private = forms.BooleanField(
        required=False, label="It is inside our network", help_text="Private addresses, and plain http, are allowed."
    )

    def __init__(self, data: Any = None, *, may_be_private: bool, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        if not may_be_private:
            del self.fields["private"]

    def clean_name(self) -> str:
        """One line."""
        name = str(self.cleaned_data["name"])
        if not name.isprintable():
            raise forms.ValidationError("There is a character that cannot be printed.")
        return name

    def clean(self) -> dict[str, Any]:
        """An address of that kind."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if "kind" not in data or "target" not in data:
            return data
        if data["kind"] == ChannelKind.MAIL:
            self._check_mail(data["target"])
            return data
        try:
            shown(self._wanted(data))
        except InvalidDestination as error:
            self.add_error("target", str(error))
        return data

    def _check_mail(self, target: str) -> None:
        try:
            validate_email(target)
        except forms.ValidationError:
            valid = False
        else:
            # An address in brackets would make the mail server connect to whatever machine it names.
            valid = len(target) <= _LONGEST_MAIL and not target.endswith("]")
        if not valid:
            self.add_error("target", "This is not a mail address.")

    @property
    def wanted(self) -> Wanted:
        """What was asked for."""
        return self._wanted(self.cleaned_data)

    def _wanted(self, data: dict[str, Any]) -> Wanted:
        return Wanted(ChannelKind(data["kind"]), data.get("name", ""), data["target"], data.get("private", False))

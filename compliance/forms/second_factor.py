"""Codes and passwords by which somebody proves again who they are."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from allauth.account.forms import ReauthenticateForm
from django import forms

from compliance.forms.account import LONGEST_PASSWORD
from compliance.services.accept_code import counter_of

_LONGEST_CODE = 32
_LONGEST_NAME = 60
_LONGEST_ANSWER = 32_768
_TYPED = {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false"}


class CodeForm(forms.Form):
    """What is asked for after the password; whether it fits is not the form's to say, since a code is taken once."""

    code = forms.CharField(
        label="Code",
        max_length=_LONGEST_CODE,
        widget=forms.TextInput(attrs={**_TYPED, "autofocus": True}),
        help_text="Six digits from your authenticator app, or one of your recovery codes.",
    )

    def __init__(self, data: Any, *, has_app: bool) -> None:
        super().__init__(data)
        if not has_app:
            self.fields["code"].help_text = "One of your recovery codes."
            del self.fields["code"].widget.attrs["autofocus"]


class TurnOnForm(forms.Form):
    """Proof that an app has the secret. ``counter`` is what the code was of."""

    code = forms.CharField(
        label="Code of the app",
        max_length=_LONGEST_CODE,
        widget=forms.TextInput(attrs={**_TYPED, "inputmode": "numeric"}),
        help_text="The six digits that it shows now.",
    )

    def __init__(self, data: Any, *, secret: str, now: datetime) -> None:
        super().__init__(data)
        self._secret, self._now = secret, now
        self.counter = 0

    def clean_code(self) -> str:
        """A code of about now."""
        code = str(self.cleaned_data["code"])
        counter = counter_of(self._secret, code, now=self._now)
        if counter is None:
            raise forms.ValidationError("This is not what the app should show now. Is the phone's clock right?")
        self.counter = counter
        return code


class AnswerForm(forms.Form):
    """What a browser answered when it was asked for a passkey; our script fills it in."""

    credential = forms.CharField(max_length=_LONGEST_ANSWER, widget=forms.HiddenInput)


class NameForm(forms.Form):
    """What somebody calls a passkey."""

    name = forms.CharField(
        label="Name",
        max_length=_LONGEST_NAME,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
        help_text="By which you know it again: the device, or the ring the key is on.",
    )


class PasskeyForm(NameForm, AnswerForm):
    """A passkey that the browser has just made."""


class ConfirmForm(ReauthenticateForm):  # type: ignore[misc]  # ships no types
    """The password of who is logged in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"] = forms.CharField(
            label="Password",
            strip=False,
            max_length=LONGEST_PASSWORD,
            widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
        )

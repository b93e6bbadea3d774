"""Logging in."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm as AllauthLoginForm
from django import forms

_LONGEST_NAME = 150
LONGEST_PASSWORD = 4096
"""Hashing takes longer the longer the text is, and nobody has proved anything yet."""


class LoginForm(AllauthLoginForm):  # type: ignore[misc]  # ships no types
    """A user name and a password; the field that allauth calls ``login`` is called as before."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields = {
            "login": forms.CharField(
                label="Username",
                max_length=_LONGEST_NAME,
                widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "autofocus": True}),
            ),
            "password": forms.CharField(
                label="Password",
                strip=False,
                max_length=LONGEST_PASSWORD,
                widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
            ),
        }

    def add_prefix(self, field_name: str) -> str:
        """Its name in the page."""
        return "username" if field_name == "login" else field_name

"""What somebody types about one finding, as the change it means."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms

from compliance.models import StatusChoice, User
from compliance.remediation.change import (
    LONGEST_COMMENT,
    LONGEST_REASON,
    Assign,
    Comment,
    Rescan,
    RestoreDue,
    SetDue,
    SetStatus,
)
from compliance.remediation.status import SAID_BY_PEOPLE, Status
from compliance.remediation.waiver_dates import day_of, end_of

_SAID = [(status.value, dict(StatusChoice.choices)[status]) for status in Status if status in SAID_BY_PEOPLE]


def _reason(**more: Any) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": "off"})
    return forms.CharField(label="Reason", max_length=LONGEST_REASON, widget=widget, **more)


class StatusForm(forms.Form):
    """Where it stands."""

    status = forms.ChoiceField(label="Status", choices=_SAID)
    reason = _reason(required=False)

    def change(self) -> SetStatus:
        """What is meant; after validation."""
        return SetStatus(Status(self.cleaned_data["status"]), self.cleaned_data["reason"])


class AssignForm(forms.Form):
    """Who it is given to: a name that is typed, or one of two buttons."""

    who = forms.CharField(label="Assign to", max_length=150, required=False)
    to = forms.ChoiceField(choices=[("", ""), ("me", "Me"), ("nobody", "Nobody")], required=False)

    def __init__(self, data: Any = None, *, me: User | None = None) -> None:
        super().__init__(data)
        self._me = me
        self._found: User | None = None

    def clean(self) -> dict[str, Any]:
        """Look for the person."""
        cleaned = super().clean() or {}
        if cleaned.get("to"):
            self._found = self._me if cleaned["to"] == "me" else None
            return cleaned
        name = cleaned.get("who", "")
        if not name:
            raise forms.ValidationError({"who": "Write a user name, or press Nobody."})
        people = User.objects.filter(is_active=True)
        self._found = people.filter(username=name).first() or people.filter(username__iexact=name).first()
        if self._found is None:
            raise forms.ValidationError({"who": f"There is nobody called {name}."})
        return cleaned

    def change(self) -> Assign:
        """What is meant; after validation."""
        return Assign(None if self._found is None else self._found.pk)


class DueForm(forms.Form):
    """Another due date, at the end of a day in the zone of who sets it, or the one that the terms say."""

    due = forms.DateField(label="Due", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    reason = _reason(required=False)
    restore = forms.BooleanField(required=False)

    def __init__(self, data: Any = None, *, zone: str = "UTC", initial: datetime | None = None) -> None:
        self._zone = zone
        day = day_of(initial, zone).isoformat() if initial else None
        super().__init__(data, initial={"due": day})

    def change(self) -> SetDue | RestoreDue:
        """What is meant; after validation."""
        if self.cleaned_data["restore"]:
            return RestoreDue()
        day = self.cleaned_data["due"]
        return SetDue(None if day is None else end_of(day, self._zone), self.cleaned_data["reason"])


class RescanForm(forms.Form):
    """A button."""

    def change(self) -> Rescan:
        """What is meant."""
        return Rescan()


class CommentForm(forms.Form):
    """Plain text; how long it may be is said by ``check_change``."""

    text = forms.CharField(
        label="Comment",
        max_length=LONGEST_COMMENT,
        widget=forms.Textarea(attrs={"rows": 3, "data-press": "c"}),
        help_text="Plain text, seen by everybody who sees the finding.",
    )

    def change(self) -> Comment:
        """What is meant; after validation."""
        return Comment(self.cleaned_data["text"])

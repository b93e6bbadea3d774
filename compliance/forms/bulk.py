"""What is done to many findings at once: which, what, and how many somebody saw."""

from __future__ import annotations

import re
from typing import Any

from django import forms

from compliance.models import StatusChoice, User
from compliance.policy.labels import Relabel, parse_label
from compliance.queries.finding_filter import LONGEST_QUERY, params_of
from compliance.remediation.change import (
    LABEL,
    RELABELS,
    UNLABEL,
    Assign,
    Change,
    Comment,
    InvalidChange,
    Rescan,
    RestoreDue,
    SetDue,
    SetStatus,
)
from compliance.remediation.status import SAID_BY_PEOPLE, Status
from compliance.remediation.terms import ME
from compliance.remediation.waiver_dates import end_of

ACTIONS: dict[str, str] = {
    "assign": "Assign to …",
    "status": "Set the status …",
    "due": "Set the due date …",
    "restore_due": "Due date as the terms say",
    "comment": "Comment …",
    "rescan": "Scan the tags again",
    LABEL: "Label the repositories …",
    UNLABEL: "Take a label from the repositories …",
    "waive": "Waive …",
}
SETTABLE: tuple[tuple[str, str], ...] = tuple(
    (choice.value, str(choice.label)) for choice in StatusChoice if Status(choice.value) in SAID_BY_PEOPLE
)
_ID = re.compile(r"[1-9][0-9]{0,11}", re.ASCII)


class BulkForm(forms.Form):
    """Ids of one page, or all that a query finds; ``total`` is how many there were on the page that was seen.

    ``whole`` is a group: how many were seen in it, a space, and the query that finds them.
    """

    action = forms.ChoiceField(choices=list(ACTIONS.items()))
    scope = forms.ChoiceField(choices=[("ids", "these"), ("query", "all that match")], required=False)
    whole = forms.RegexField(r"\A[0-9]{1,9} .*\Z", required=False, max_length=LONGEST_QUERY)
    filter = forms.CharField(required=False, max_length=LONGEST_QUERY)
    back = forms.CharField(required=False, max_length=LONGEST_QUERY)
    total = forms.IntegerField(required=False, min_value=0, max_value=10**9)
    agreed = forms.IntegerField(required=False, min_value=0, max_value=10**9)
    shown = forms.IntegerField(required=False, min_value=0, max_value=10**9)
    assignee = forms.CharField(required=False, max_length=150)
    status = forms.ChoiceField(choices=SETTABLE, required=False)
    due = forms.DateField(required=False)
    reason = forms.CharField(required=False)
    text = forms.CharField(required=False, strip=False)
    label = forms.CharField(required=False, max_length=1_000)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        self.ids = sorted({int(each) for each in data.getlist("id")[:251] if _ID.fullmatch(each)})

    def clean(self) -> dict[str, Any]:
        """Findings have to be chosen."""
        cleaned = super().clean() or {}
        if not self.by_query and not self.ids:
            grouped = "group" in params_of(cleaned.get("back", ""))
            raise forms.ValidationError("Choose a group first." if grouped else "Choose findings first.")
        if len(self.ids) > 250:
            raise forms.ValidationError("At most 250 can be chosen one by one.")
        return cleaned

    @property
    def by_query(self) -> bool:
        """Whether all that match are meant.

        Who took one of the page out of the choice after choosing all means those that are left.
        """
        if self.cleaned_data.get("whole"):
            return True
        shown = self.cleaned_data.get("shown")
        return self.cleaned_data.get("scope") == "query" and (shown is None or len(self.ids) >= shown)

    @property
    def params(self) -> dict[str, str]:
        """The address of the findings that are meant."""
        if not self.by_query:
            return {"tab": "all", "id": ",".join(map(str, self.ids))}
        return params_of(self.cleaned_data["whole"].partition(" ")[2] or self.cleaned_data["filter"])

    @property
    def expects(self) -> int:
        """How many findings somebody saw, or agreed to when the number had changed."""
        said = self.cleaned_data
        group = said["whole"].partition(" ")[0]
        seen = int(group) if group else said["total"] if self.by_query else len(self.ids)
        return int((seen if said["agreed"] is None else said["agreed"]) or 0)

    def change(self, by: User) -> Change:
        """What to do to them.

        :raises InvalidChange: in words for whoever asked.
        """
        said = self.cleaned_data
        match said["action"]:
            case "assign":
                return Assign(_person(said["assignee"], by))
            case "status":
                if not said["status"]:
                    raise InvalidChange("Choose a status.")
                return SetStatus(Status(said["status"]), said["reason"])
            case "due":
                if said["due"] is None:
                    raise InvalidChange("Enter a date.")
                return SetDue(end_of(said["due"], by.time_zone), said["reason"])
            case "restore_due":
                return RestoreDue()
            case "rescan":
                return Rescan()
            case _:
                return Comment(said["text"])

    @property
    def relabels(self) -> bool:
        """Whether the labels of repositories are changed instead of findings."""
        return self.cleaned_data["action"] in RELABELS

    def relabel(self) -> Relabel:
        """What to do to the labels.

        :raises InvalidLabel: in words for whoever asked.
        """
        label = frozenset({parse_label(self.cleaned_data["label"])})
        return Relabel(add=label) if self.cleaned_data["action"] == LABEL else Relabel(remove=label)

    @property
    def problem(self) -> str:
        """The first thing that is wrong, in words."""
        return next((str(error) for errors in self.errors.values() for error in errors), "")


def _person(name: str, by: User) -> int | None:
    if not name:
        return None
    if name.lower() == ME:
        return by.pk
    people = User.objects.filter(username=name, is_active=True)
    if not by.actor.sees_everything:  # who exists elsewhere is none of theirs
        people = people.filter(memberships__team__in=by.actor.team_ids)
    found = people.values_list("pk", flat=True).first()
    if found is None:
        raise InvalidChange("There is nobody of that name.")
    return found

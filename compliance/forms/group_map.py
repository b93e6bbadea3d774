"""A row of the map of groups."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from compliance.forms.people import TeamField, printable
from compliance.models import GroupGrant, GroupRoleChoice, TeamRoleChoice
from compliance.policy.sign_on import LONGEST_GROUP

_PLAIN: Final = {"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}


class GrantForm(forms.Form):
    """Which group gives what."""

    group = forms.CharField(
        max_length=LONGEST_GROUP,
        label="Group",
        validators=[printable],
        widget=forms.TextInput(attrs=_PLAIN),
        help_text="As the provider writes it, capitals too: a name, a path or a number.",
    )
    role = forms.ChoiceField(choices=GroupRoleChoice.choices, initial=GroupRoleChoice.TRIAGER, label="Gives")
    team = TeamField(required=False)

    def __init__(self, data: Any = None, *, row: GroupGrant | None = None) -> None:
        initial = {"group": row.group, "role": row.role, "team": row.team.slug if row.team else ""} if row else None
        super().__init__(data, initial=initial)

    def clean(self) -> dict[str, Any]:
        """A role of a team needs a team, one that counts everywhere has none."""
        data = super().clean() or self.cleaned_data
        if "role" in data and "team" in data:
            in_team = data["role"] in TeamRoleChoice.values
            if in_team and data["team"] is None:
                self.add_error("team", "Of which team?")
            elif not in_team and data["team"] is not None:
                self.add_error("team", "This role counts everywhere: empty the field, or choose a role of the team.")
        return data

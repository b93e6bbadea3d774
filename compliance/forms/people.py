"""Teams, members, people and who owns what: names that are typed, never chosen from an endless list."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q

from compliance.access import Actor
from compliance.models import Registry, Repository, RoleChoice, Team, TeamRoleChoice, User
from compliance.policy.assignment import LONGEST_PATTERN, InvalidPattern
from compliance.policy.ownership import COMMON_LABELS, LONGEST_LABEL, parse_rule

_PLAIN = {"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}
_NEAR = 3


def printable(text: str) -> None:
    """Names go into lines of logs and mails.

    :raises ValidationError: for what would break one.
    """
    if not text.isprintable():
        raise forms.ValidationError("There is a character that cannot be printed.")


class TeamForm(forms.Form):
    """What a team is called and does."""

    name = forms.CharField(max_length=100, label="Name", validators=[printable])
    description = forms.CharField(
        max_length=300, label="What it does", required=False, validators=[printable], help_text="One line, for others."
    )

    def __init__(self, data: Any = None, *, team: Team | None = None) -> None:
        super().__init__(data, initial={"name": team.name, "description": team.description} if team else None)
        self.team = team

    def clean_name(self) -> str:
        """A name no other team has, whatever its capitals."""
        name = str(self.cleaned_data["name"])
        others = Team.objects.filter(name__iexact=name)
        if (others.exclude(pk=self.team.pk) if self.team else others).exists():
            raise forms.ValidationError("Another team has this name.")
        return name


class TeamField(forms.CharField):
    """The name or slug of a team that repositories may be given to; the value is the team.

    :param actor: set by the form: of whose teams.
    """

    actor: Actor | None = None

    def __init__(self, **rest: Any) -> None:
        rest.setdefault("widget", forms.TextInput(attrs={**_PLAIN, "list": "teams-found"}))
        super().__init__(max_length=100, label="Team", **rest)

    def clean(self, value: Any) -> Team | None:
        """Find it.

        :raises ValidationError: where there is none, with those that come near.
        """
        text = super().clean(value)
        if not text:
            return None
        teams = Team.objects.all()
        if self.actor is not None and not self.actor.triages_everything:
            teams = teams.filter(pk__in=self.actor.led_team_ids)
        found = teams.filter(Q(slug=text) | Q(name__iexact=text)).first()
        if found is None:
            near = list(teams.filter(Q(slug__icontains=text) | Q(name__icontains=text))[: _NEAR + 1])
            raise forms.ValidationError(_no_such("team", [team.slug for team in near]))
        return found


class MemberForm(forms.Form):
    """Somebody to take into a team."""

    person = forms.CharField(
        max_length=254,
        label="Person",
        help_text="A username or mail address.",
        widget=forms.TextInput(attrs={**_PLAIN, "list": "people-found"}),
    )
    role = forms.ChoiceField(choices=TeamRoleChoice.choices, initial=TeamRoleChoice.TRIAGER, label="Role")

    def clean_person(self) -> User:
        """Somebody who can log in."""
        text = str(self.cleaned_data["person"])
        people = User.objects.filter(is_active=True)
        found = list(people.filter(Q(username__iexact=text) | Q(email__iexact=text))[:2])
        exact = [person for person in found if person.get_username() == text]
        if len(exact or found) == 1:
            return (exact or found)[0]
        near = people.filter(Q(username__icontains=text) | Q(first_name__icontains=text) | Q(last_name__icontains=text))
        raise forms.ValidationError(_no_such("person", [row.get_username() for row in near[: _NEAR + 1]]))


class RoleForm(forms.Form):
    """Another role in a team."""

    role = forms.ChoiceField(choices=TeamRoleChoice.choices)


class OwnershipForm(forms.Form):
    """A rule of ownership."""

    registry = forms.ChoiceField(label="Of", required=False)
    label = forms.CharField(
        max_length=LONGEST_LABEL,
        label="Label",
        required=False,
        help_text="Without a label the pattern is for names of repositories.",
        widget=forms.TextInput(attrs={**_PLAIN, "list": "labels-known"}),
    )
    pattern = forms.CharField(
        max_length=LONGEST_PATTERN,
        label="Pattern",
        help_text="* is any text, slashes too, ? any character.",
        widget=forms.TextInput(attrs=_PLAIN),
    )
    team = TeamField()
    known_labels = COMMON_LABELS

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self._registries = {row.slug: row for row in Registry.objects.order_by("name")}
        choices = [("", "All registries"), *((slug, row.name) for slug, row in self._registries.items())]
        self.fields["registry"].choices = choices  # type: ignore[attr-defined]  # it is the ChoiceField above

    def clean(self) -> dict[str, Any]:
        """The pattern is one that something can fit."""
        data = super().clean() or self.cleaned_data
        if "pattern" in data and "label" in data:
            try:
                parse_rule(data["label"], data["pattern"])
            except InvalidPattern as error:
                self.add_error("pattern", str(error))
        return data

    @property
    def chosen_registry(self) -> Registry | None:
        """The registry, or ``None`` for all; after validation."""
        return self._registries.get(self.cleaned_data["registry"])


class ClaimForm(forms.Form):
    """The team that is to own what was chosen: single repositories, or all that match the address."""

    team = TeamField()
    scope = forms.ChoiceField(choices=[("chosen", "chosen"), ("all", "all")])
    expected = forms.IntegerField(min_value=0, max_value=10_000_000, required=False)

    def __init__(self, data: Any = None, *, actor: Actor) -> None:
        super().__init__(data)
        self.fields["team"].actor = actor  # type: ignore[attr-defined]  # it is the TeamField above


class OwnerForm(forms.Form):
    """Who owns one repository."""

    by = forms.ChoiceField(
        label="Owner",
        choices=[("rules", "Whom the rules name"), ("team", "This team"), ("nobody", "Nobody: it waits to be claimed")],
        widget=forms.RadioSelect,
    )
    team = TeamField(required=False)

    def __init__(self, data: Any = None, *, actor: Actor, repository: Repository) -> None:
        owner = repository.team
        now = ("team" if owner else "nobody") if repository.team_pinned else "rules"
        super().__init__(data, initial={"by": now, "team": owner.slug if owner else ""})
        self.fields["team"].actor = actor  # type: ignore[attr-defined]  # it is the TeamField above

    def clean(self) -> dict[str, Any]:
        """A team is named where one is chosen, and only there: what the page had filled in counts for nothing."""
        data = super().clean() or self.cleaned_data
        if data.get("by") != "team":
            self.errors.pop("team", None)
            data["team"] = None
            if "by" in data and "team" in self.changed_data and (self["team"].data or "").strip():
                chosen = dict(self.fields["by"].choices)[data["by"]]  # type: ignore[attr-defined]  # a ChoiceField
                self.add_error(
                    "team", f"“{chosen}” is chosen. Choose “This team” for what is typed, or empty the field."
                )
        elif not data.get("team") and "team" not in self.errors:
            self.add_error("team", "Which team?")
        return data


class PersonForm(forms.Form):
    """An account."""

    username = forms.CharField(
        max_length=150,
        label="Username",
        validators=[User.username_validator],
        help_text="Letters, digits and @ . + - _ only.",
        widget=forms.TextInput(attrs=_PLAIN),
    )
    first_name = forms.CharField(max_length=150, label="First name", required=False, validators=[printable])
    last_name = forms.CharField(max_length=150, label="Last name", required=False, validators=[printable])
    email = forms.EmailField(label="Mail address", required=False, help_text="Where messages go to.")
    role = forms.ChoiceField(
        choices=[(value, label.partition(":")[0]) for value, label in RoleChoice.choices],
        initial=RoleChoice.MEMBER,
        label="Role",
        help_text=". ".join(str(label) for label in RoleChoice.labels) + ".",
    )

    def __init__(self, data: Any = None, *, person: User | None = None) -> None:
        initial = {name: getattr(person, name) for name in self.base_fields} if person else None
        super().__init__(data, initial=initial)
        self.person = person

    def clean_username(self) -> str:
        """A name nobody else has: two that differ in capitals only would be taken for one another."""
        name = str(self.cleaned_data["username"])
        others = User.objects.filter(username__iexact=name)
        if (others.exclude(pk=self.person.pk) if self.person else others).exists():
            raise forms.ValidationError("Somebody has this username.")
        return name


def _no_such(what: str, near: list[str]) -> str:
    if not near:
        return f"There is no such {what}."
    more = " and others" if len(near) > _NEAR else ""
    return f"There is no such {what}. Did you mean {', '.join(near[:_NEAR])}{more}?"

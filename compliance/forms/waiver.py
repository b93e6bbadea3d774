"""Writing a waiver: where it counts, why, whose it is, until when."""

from __future__ import annotations

import re
from typing import Any, Final

from django import forms
from django.db.models import QuerySet

from compliance.forms.fields import plain_text
from compliance.models import ReasonChoice, Registry, Repository, Team, User, Waiver
from compliance.remediation.waiver import WaiverScope
from compliance.services.write_waiver import Draft
from scanner.rulebook import RULES

LONGEST_TEXT: Final = 4_000
# What repositories and tags can be called, on registries and on this machine, and two wildcards.
_REPOSITORIES = re.compile(r"[A-Za-z0-9._/:@*?-]+")
_TAGS = re.compile(r"[A-Za-z0-9_.*?-]+")
_DIGEST = re.compile(r"[a-z0-9+._-]{1,20}:[0-9a-f]{32,128}")
_GLOB = "* is any text, ? any character. Empty: all of them."
SCOPE_FIELDS: Final = ("rule", "team", "registry", "repository", "tag", "digest")


class WaiverForm(forms.Form):
    """What ``services.write_waiver`` takes, as a person enters it.

    :param author: who writes it: owner unless somebody else is named; a member chooses one of their teams.
    :param renews: the waiver that is renewed.
    """

    title = forms.CharField(label="Title", max_length=150)
    rule = forms.ChoiceField(label="Rule")
    team = forms.CharField(label="Team", required=False, max_length=60, widget=plain_text(list="waiver-teams"))
    registry = forms.ChoiceField(label="Registry", required=False)
    repository = forms.CharField(
        label="Repositories", required=False, max_length=255, help_text=_GLOB, widget=plain_text()
    )
    tag = forms.CharField(label="Tags", required=False, max_length=128, help_text=_GLOB, widget=plain_text())
    digest = forms.CharField(
        label="Digest",
        required=False,
        max_length=135,
        help_text="Only what this digest names. The waiver ends with it: the next push has another digest.",
        widget=plain_text(),
    )
    reason = forms.ChoiceField(label="Reason", choices=[("", "Choose…"), *ReasonChoice.choices])
    explanation = forms.CharField(
        label="Explanation",
        max_length=LONGEST_TEXT,
        help_text="For whoever approves it, and for the next audit.",
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    control = forms.CharField(
        label="Compensating control",
        required=False,
        max_length=LONGEST_TEXT,
        help_text="What keeps the risk small meanwhile, for example a seccomp profile or a network policy.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    owner = forms.CharField(
        label="Owner",
        max_length=150,
        help_text="Who is told before it ends, and asked what becomes of it.",
        widget=plain_text(list="waiver-owners"),
    )
    until = forms.DateField(label="Until the end of", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    reopens = forms.BooleanField(
        label="Tell people when it ends",
        required=False,
        initial=True,
        help_text="Findings are open again in any case, for a waiver always ends. Without this nobody is notified.",
    )
    restarts_sla = forms.BooleanField(
        label="Give them new due dates when it ends",
        required=False,
        help_text="A date that a person set stays. Without this they are due when they always were, maybe long ago.",
    )
    accepts_changes = forms.BooleanField(label="Accept how changed images run now", required=False)

    def __init__(
        self,
        data: Any = None,
        *,
        author: User,
        initial: dict[str, Any] | None = None,
        renews: Waiver | None = None,
    ) -> None:
        super().__init__(data, initial=initial)
        self.author, self.renews = author, renews
        self._registries = {row.slug: row for row in _registries(author)}
        self._choose("rule", [("", "Choose…"), *((rule.id, f"{rule.id} {rule.title}") for rule in RULES)])
        self._choose("registry", [("", "All registries"), *((row.slug, row.name) for row in self._registries.values())])
        self.fields["team"].required = not author.actor.triages_everything
        self.fields["team"].help_text = (
            "Empty: all teams, and repositories of none."
            if author.actor.triages_everything
            else "Your waivers cover repositories of one of your teams."
        )

    def _choose(self, name: str, choices: list[tuple[str, str]]) -> None:
        self.fields[name].choices = choices  # type: ignore[attr-defined]  # they are ChoiceFields

    def for_preview(self) -> WaiverForm:
        """Ask for nothing but the scope."""
        for name, field in self.fields.items():
            if name not in (*SCOPE_FIELDS, "until", "accepts_changes"):
                field.required = False
        self.fields["until"].required = False
        return self

    def clean_team(self) -> Team | None:
        """A team by its slug; of a member, one whose findings they work on."""
        slug = self.cleaned_data["team"].strip()
        if not slug:
            return None
        actor = self.author.actor
        found = Team.objects.filter(slug=slug).first()
        if found is None or not (actor.triages_everything or found.pk in actor.triaged_team_ids):
            raise forms.ValidationError("There is no such team, or its findings are not yours to waive.")
        return found

    def clean_repository(self) -> str:
        """A glob over what repositories can be called."""
        return _checked(self.cleaned_data["repository"], _REPOSITORIES, "Letters, digits and . _ - / : only; * and ?.")

    def clean_tag(self) -> str:
        """A glob over what tags can be called."""
        return _checked(self.cleaned_data["tag"], _TAGS, "A tag has letters, digits and _ . - only; * and ?.")

    def clean_digest(self) -> str:
        """A whole digest."""
        return _checked(self.cleaned_data["digest"], _DIGEST, "A digest is written sha256: and 64 hexadecimal digits.")

    def clean_owner(self) -> User | None:
        """Somebody who can log in, and sees what the author sees of it."""
        name = self.cleaned_data["owner"].strip()
        if not name:
            return None
        found = people(self.author).filter(username=name).first()
        if found is None:
            raise forms.ValidationError("There is nobody of that name who could see to it.")
        return found

    @property
    def scope(self) -> WaiverScope:
        """The scope, after validation."""
        data = self.cleaned_data
        registry, team = self._registries.get(data["registry"]), data["team"]
        return WaiverScope(
            data["rule"],
            registry.pk if registry else None,
            data["repository"],
            data["tag"],
            data["digest"],
            team.pk if team else None,
        )

    def draft(self) -> Draft:
        """What was entered, after validation."""
        data = self.cleaned_data
        return Draft(
            title=data["title"],
            scope=self.scope,
            reason=data["reason"],
            explanation=data["explanation"],
            control=data["control"],
            owner=data["owner"],
            until=data["until"],
            reopens=data["reopens"],
            restarts_sla=data["restarts_sla"],
            renews=self.renews,
            accepts_changes=data["accepts_changes"] or self.renews is None,
        )


def people(author: User) -> QuerySet[User]:
    """Who may own a waiver of somebody: those who see everything, those of the author's teams, the author."""
    rows = User.objects.filter(is_active=True).order_by("username")
    actor = author.actor
    if actor.triages_everything:
        return rows
    return rows.filter(pk__in=[*_team_mates(actor.triaged_team_ids), author.pk])


def _team_mates(teams: frozenset[int]) -> list[int]:
    return list(User.objects.filter(memberships__team__in=teams).values_list("pk", flat=True).distinct())


def _registries(author: User) -> QuerySet[Registry]:
    rows = Registry.objects.order_by("name").only("pk", "slug", "name")
    if author.actor.sees_everything:
        return rows
    return rows.filter(pk__in=Repository.objects.for_user(author.actor).order_by().values("registry"))


def _checked(text: str, allowed: re.Pattern[str], words: str) -> str:
    text = text.strip()
    if text and allowed.fullmatch(text) is None:
        raise forms.ValidationError(words)
    return text

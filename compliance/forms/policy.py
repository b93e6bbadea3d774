"""Editing a policy: every rule in one form, and what it says as a policy document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms

from compliance.policy.document import LARGEST_THRESHOLD, LONGEST_TITLE, InvalidPolicy, check_document, read_policy
from scanner.domain.policy import Policy, RuleSetting
from scanner.domain.rule import Category, Rule
from scanner.domain.verdict import Severity
from scanner.rulebook import RULES

LONGEST_NOTE = 500
_DEFAULT = RuleSetting()
_FAILS_AT = [
    ("", "Only the rules ticked below"),
    *((severity.value, f"Also everything of severity {severity.value} or worse") for severity in Severity),
]


@dataclass(frozen=True, slots=True)
class RuleFields:
    """The fields of one rule; ``fails`` and ``threshold`` where it has them."""

    rule: Rule
    enabled: forms.BoundField
    severity: forms.BoundField
    fails: forms.BoundField | None
    threshold: forms.BoundField | None

    @property
    def errors(self) -> list[str]:
        """What is wrong with any of them."""
        fields = (self.enabled, self.severity, self.fails, self.threshold)
        return [str(error) for field in fields if field is not None for error in field.errors]


@dataclass(frozen=True, slots=True)
class FieldGroup:
    """The rules of one category."""

    category: Category
    rows: tuple[RuleFields, ...]


class PolicyForm(forms.Form):
    """Title, what fails by severity, four fields for each rule, and why.

    :param document: the settings the form begins with, as ``policy_document`` writes them.
    :param number: the version that is edited.
    """

    title = forms.CharField(max_length=LONGEST_TITLE, help_text="For whom it is, in a few words.")
    fails_at = forms.ChoiceField(
        label="What makes an image fail",
        choices=_FAILS_AT,
        required=False,
        help_text="Hints and build habits never do.",
    )
    note = forms.CharField(
        label="Why",
        max_length=LONGEST_NOTE,
        help_text="What you change and why, for those who read the history.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    based_on = forms.IntegerField(min_value=1, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, document: Mapping[str, Any], number: int, note: str = "") -> None:
        self.document = document
        policy = read_policy(document)
        initial = {"title": policy.title, "fails_at": policy.fails_at or "", "based_on": number, "note": note}
        super().__init__(data, initial=initial)
        for rule in RULES:
            self.fields |= dict(_fields(rule, policy))

    @property
    def groups(self) -> tuple[FieldGroup, ...]:
        """The fields of every rule, by category."""
        by_category = ((category, [rule for rule in RULES if rule.category is category]) for category in Category)
        return tuple(
            FieldGroup(category, tuple(self._row(rule) for rule in rules)) for category, rules in by_category if rules
        )

    def clean_note(self) -> str:
        """One paragraph, without characters that could make it read as something else."""
        note = " ".join(self.cleaned_data["note"].split())
        if not note.isprintable():
            raise forms.ValidationError("There is a character in it that cannot be shown.")
        return note

    def clean(self) -> dict[str, Any]:
        """Read the settings as a whole; what is wrong stands beside its field."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        try:
            check_document(self.entered())
        except InvalidPolicy as error:
            for name, message in error.errors.items():
                self._complain(name, message)
        return cleaned

    def entered(self) -> dict[str, Any]:
        """The document that was entered; fields that are wrong by themselves count as left alone."""
        data = self.cleaned_data
        settings = {rule.id: self._setting(rule) for rule in RULES}
        named = self.document["rules"]
        return {
            "name": self.document["name"],
            "title": data.get("title", self.document["title"]),
            "fails_at": data.get("fails_at") or None,
            # A rule that is left as it comes is not named, unless it was: equal settings have equal documents.
            "rules": {
                rule: _written(setting) for rule, setting in settings.items() if setting != _DEFAULT or rule in named
            },
        }

    def _setting(self, rule: Rule) -> RuleSetting:
        data = self.cleaned_data
        return RuleSetting(
            enabled=bool(data.get(f"{rule.id}-enabled")),
            fails=bool(data.get(f"{rule.id}-fails")),
            severity=Severity(data[f"{rule.id}-severity"]) if data.get(f"{rule.id}-severity") else None,
            threshold=data.get(f"{rule.id}-threshold"),
        )

    def _row(self, rule: Rule) -> RuleFields:
        return RuleFields(
            rule,
            self[f"{rule.id}-enabled"],
            self[f"{rule.id}-severity"],
            self[f"{rule.id}-fails"] if rule.decides else None,
            self[f"{rule.id}-threshold"] if rule.threshold is not None else None,
        )

    def _complain(self, name: str, message: str) -> None:
        rule, _, part = name.partition(".")
        field = name if name in self.fields else f"{rule}-{part or 'enabled'}"
        if field not in self.fields:
            self.add_error(None, f"{name}: {message}")
        elif field not in self.errors:
            self.add_error(field, message)


def _fields(rule: Rule, policy: Policy) -> Iterator[tuple[str, forms.Field]]:
    setting = policy.setting(rule.id)
    yield f"{rule.id}-enabled", _tick(f"{rule.id} is asked for", setting.enabled)
    if rule.decides:
        yield f"{rule.id}-fails", _tick(f"{rule.id} makes an image fail", setting.fails)
    severities = [("", f"own ({rule.severity})"), *((each.value, each.value) for each in Severity)]
    label = f"Severity of {rule.id}"
    yield (
        f"{rule.id}-severity",
        forms.ChoiceField(choices=severities, required=False, initial=setting.severity or "", label=label),
    )
    if rule.threshold is not None:
        yield f"{rule.id}-threshold", _threshold(rule, setting)


def _tick(label: str, initial: bool) -> forms.BooleanField:
    return forms.BooleanField(required=False, initial=initial, label=label)


def _threshold(rule: Rule, setting: RuleSetting) -> forms.IntegerField:
    return forms.IntegerField(
        min_value=0,
        max_value=LARGEST_THRESHOLD,
        required=False,
        initial=setting.threshold,
        label=f"Threshold of {rule.id}",
        help_text=f"{rule.threshold_means[:1].upper()}{rule.threshold_means[1:]}. Empty: {rule.threshold}.",
    )


def _written(setting: RuleSetting) -> dict[str, Any]:
    return {
        "enabled": setting.enabled,
        "fails": setting.fails,
        "severity": setting.severity.value if setting.severity else None,
        "threshold": setting.threshold,
    }


class CopyForm(forms.Form):
    """A new policy, which begins as a copy of one there is."""

    name = forms.CharField(
        max_length=50,
        help_text="Small letters, digits and hyphens; it stands in addresses and cannot be changed.",
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
    )
    title = forms.CharField(max_length=LONGEST_TITLE, help_text="For whom it is, in a few words.")
    like = forms.ChoiceField(label="Begins as a copy of", help_text="Every setting can be changed afterwards.")

    def __init__(self, data: Any = None, *, policies: Mapping[str, str], like: str = "") -> None:
        super().__init__(data, initial={"like": like})
        choices = [(name, f"{name}: {title}") for name, title in policies.items()]
        self.fields["like"].choices = choices  # type: ignore[attr-defined]  # it is the ChoiceField above

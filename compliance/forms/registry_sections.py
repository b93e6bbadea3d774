"""How the form of a registry is laid out: parts that can be folded, each with its state in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from zoneinfo import available_timezones

from django.forms import BoundField

from compliance.forms.registry import RegistryForm
from compliance.policy.registry_values import RegistryValues
from compliance.policy.registry_words import limits_words, network_words, scope_sentence
from compliance.policy.schedule import schedule_problems, schedule_sentence

FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "address": (
        *("name", "environment", "url", "allow_private", "product"),
        *("namespaces", "api_token", "entered_repositories"),
    ),
    "credential": ("auth_method", "username", "password", "token_hosts"),
    "network": ("verify_tls", "extra_ca", "client_certificate", "client_key", "proxy"),
    "policy": ("policy", "protected_tags"),
    "scope": (
        *("include_repositories", "exclude_repositories", "include_tags", "exclude_tags"),
        *("newest_tags", "pushed_within_days", "platforms"),
    ),
    "schedule": ("when", "interval_minutes", "cron", "time_zone", "quiet_from", "quiet_until", "enabled"),
    "limits": ("connections", "requests_per_minute"),
}
_OPEN: Final = ("address", "credential")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the form; ``said`` is what stands beside its title while it is folded."""

    open: bool
    wrong: bool
    said: str


def parts_of(form: RegistryForm) -> dict[str, Part]:
    """Every part by its name. What is wrong is open, and so is what everybody has to fill in."""
    values = form.shown
    return {name: _part(form, name, values) for name in FIELDS}


def zones() -> list[str]:
    """The time zones to choose from."""
    return sorted(available_timezones())


def problems(form: RegistryForm) -> Iterator[tuple[BoundField, str]]:
    """Everything that is wrong, in the order of the page."""
    for field in form:
        for error in field.errors:
            yield field, str(error)


def _part(form: RegistryForm, name: str, values: RegistryValues) -> Part:
    wrong = any(field in form.errors for field in FIELDS[name])
    say = _WORDS.get(name)
    return Part(wrong or name in _OPEN, wrong, say(form, values) if say else "")


def _network(form: RegistryForm, values: RegistryValues) -> str:
    return network_words(values, client_key=form.has("client_key"), proxy=form.has("proxy"))


def _policy(_: RegistryForm, values: RegistryValues) -> str:
    protected = f", {len(values.protected_tags)} patterns of protected tags" if values.protected_tags else ""
    return f"{values.policy}{protected}"


def _schedule(_: RegistryForm, values: RegistryValues) -> str:
    if not values.enabled:
        return "switched off"
    return "" if schedule_problems(values.schedule) else schedule_sentence(values.schedule)


_WORDS: Final[dict[str, Callable[[RegistryForm, RegistryValues], str]]] = {
    "network": _network,
    "policy": _policy,
    "scope": lambda _, values: scope_sentence(values.scope),
    "schedule": _schedule,
    "limits": lambda _, values: limits_words(values),
}

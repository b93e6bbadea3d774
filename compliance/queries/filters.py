"""What a reader may filter and sort by: names from lists written here, everything else is ignored."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Exists, OuterRef, QuerySet

from compliance.access import Actor
from compliance.models import Policy, Registry, Repository, ShownChoice
from compliance.policy.assignment import InvalidPattern, parse_pattern
from compliance.policy.environment import ENVIRONMENT
from compliance.policy.labels import InvalidLabel, parse_labels

VERDICTS: dict[str, str] = {str(choice): str(choice.label) for choice in ShownChoice}
"""What lists are filtered by: ``Tag.shown``, ``Repository.verdict``."""

_LONGEST_SEARCH = 200
_SLUG = re.compile(r"[A-Za-z0-9_-]{1,60}", re.ASCII)
_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
_WILD = {"*": ".*", "?": "."}


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is on, and the address without it."""

    label: str
    without: str


def text_of(params: Mapping[str, str], name: str) -> str:
    """A search text: printable, trimmed, bounded. Postgres refuses NUL, and nobody means it."""
    return "".join(c for c in params.get(name, "")[:_LONGEST_SEARCH] if c.isprintable()).strip()


def storable(*texts: str) -> bool:
    """Whether Postgres can be asked for names as an address has them: it refuses NUL with an error."""
    return not any("\0" in text for text in texts)


def choice_of(params: Mapping[str, str], name: str, allowed: Mapping[str, object] | frozenset[str]) -> str:
    """A value from an allow-list, or nothing."""
    value = params.get(name, "")
    return value if value in allowed else ""


def slug_of(params: Mapping[str, str], name: str) -> str:
    """What can be a slug, or nothing."""
    value = params.get(name, "")
    return value if _SLUG.fullmatch(value) else ""


def environment_of(params: Mapping[str, str]) -> str:
    """What can be the label of an environment, or nothing."""
    value = params.get("environment", "").lower()
    return value if ENVIRONMENT.fullmatch(value) else ""


def labels_asked(params: Mapping[str, str]) -> tuple[tuple[str, ...], str]:
    """The labels that all have to be there, and what is wrong with what the address says of them."""
    try:
        return parse_labels(params.get("label", "")), ""
    except InvalidLabel as error:
        return (), str(error)


def params_among(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Names and values of an address. Of what is named twice the last counts; but of labels all have to be there."""
    found = list(pairs)
    labels = ",".join(value for name, value in found if name == "label")
    return {**dict(found), "label": labels} if labels else dict(found)


def number_of(params: Mapping[str, str], name: str) -> int | None:
    """What can be an id, or nothing."""
    value = params.get(name, "")
    return int(value) if _NUMBER.fullmatch(value) else None


def registries_for(actor: Actor) -> QuerySet[Registry]:
    """Registries that hold something somebody may see: no other is offered, counted or named."""
    rows = Registry.objects.order_by("name")
    if actor.sees_everything:
        return rows
    return rows.filter(Exists(Repository.objects.for_user(actor).filter(registry=OuterRef("pk"))))


def policy_of(params: Mapping[str, str]) -> Policy | None:
    """The policy an address names; no query is spent where it names none."""
    name = text_of(params, "policy")
    return Policy.objects.filter(name=name).first() if name else None


def pattern_of(params: Mapping[str, str]) -> str:
    """A glob over names of repositories, or nothing."""
    try:
        return parse_pattern(params.get("pattern", ""))
    except InvalidPattern:
        return ""


def pattern_regex(pattern: str) -> str:
    """What Postgres is asked for a glob that ``parse_pattern`` has read; it fits what ``fnmatchcase`` fits."""
    return f"^{''.join(_WILD.get(c) or re.escape(c) for c in pattern)}$"


def without(params: Mapping[str, str], *names: str) -> str:
    """The query string without some parameters, and always without the page number."""
    kept = {name: value for name, value in params.items() if name not in (*names, "page") and value}
    return "?" + urlencode(kept)

"""Where there is something, for whoever sees an empty list: what to take away, and how many findings come then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, IntegerField, Value

from compliance.access import Actor
from compliance.queries.finding_filter import FindingFilter, FindingView, address, filters_of
from compliance.queries.findings import matching, tab

MOST_WAYS = 4
"""What is offered; what is tried is every filter, of which there are no more than ``TERMS`` and the words."""


@dataclass(frozen=True, slots=True)
class Way:
    """A list with something in it.

    :param label: what is other there, in words.
    """

    label: str
    address: str
    count: int


def ways_out(wanted: FindingFilter, view: FindingView, elsewhere: int, actor: Actor, *, now: datetime) -> list[Way]:
    """The same list behind the tab of all, and without one of its filters: the first after which something is left.

    :param elsewhere: how many fit all filters, whatever the tab.
    """
    wider = FindingFilter("all", wanted.terms, wanted.words)
    found = [Way("behind the tab All", address(wider, view, tab="all"), elsewhere)] if elsewhere else []
    labels = filters_of(wanted)
    counts = _counts([wanted.without(name) for name in labels], actor, now)
    without = [
        Way(f"without the filter {label}", address(wanted.without(name), view), counts[at])
        for at, (name, label) in enumerate(labels.items())
        if at in counts
    ]
    return found + without[:MOST_WAYS]


def _counts(asked: list[FindingFilter], actor: Actor, now: datetime) -> Mapping[int, int]:
    """How many each finds, by its place, in one query; of those that find nothing there is none."""
    arms = [
        matching(each, actor, now=now)
        .filter(tab(each.tab, actor, now=now))
        .order_by()
        .annotate(place=Value(at, IntegerField()))
        .values("place")
        .annotate(count=Count("pk"))
        .values_list("place", "count")
        for at, each in enumerate(asked)
    ]
    if not arms:
        return {}
    return {at: count for at, count in arms[0].union(*arms[1:], all=True) if count}

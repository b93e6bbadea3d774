"""Whom payloads name as who pushed: documented places, and names that nobody could read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from compliance.webhooks.hint import Hint, Kind
from compliance.webhooks.naming import LONGEST_PUSHER, name_of
from compliance.webhooks.sender import Home
from compliance.webhooks.senders import ALL, SENDERS, read_request

SILENT = {"quay", "ecr", "gar", "acr", "artifactory"}
"""Their documented payloads name nobody."""

UNREADABLE: list[Any] = [
    None, "", "  ", "kim\u202egnp.exe", "kim\x00", "kim\nsays so", "\x1b[31mkim", "\ud800", "kim\u200b", "k" * 256,
    "k" * 10_000, 7, 1.5, True, ["kim"], {"name": "kim"},
]  # fmt: skip


def told(product: str, **changes: Any) -> Hint:
    sender = SENDERS[product]
    body = {**json.loads(sender.sample.body), **changes}
    reading = read_request(sender, sender.sample.headers, json.dumps(body).encode(), Home())
    assert reading.odd == []
    (hint,) = reading.hints
    return hint


@pytest.mark.parametrize("sender", ALL, ids=lambda sender: sender.key)
def test_a_documented_request_names_who_pushed_or_nobody(sender: Any) -> None:
    expected = {"harbor": "robot$ci"}.get(sender.key, "ci")
    assert told(sender.key).pusher == (None if sender.key in SILENT else expected)


@pytest.mark.parametrize("name", UNREADABLE, ids=repr)
def test_a_name_nobody_can_read_is_none_and_the_push_counts_all_the_same(name: Any) -> None:
    assert told("dockerhub", push_data={"tag": "1.4", "pusher": name}).pusher is None
    assert told("harbor", operator=name).pusher is None
    assert told("ghcr", sender={"login": name}).pusher is None
    assert told("nexus", initiator=name).pusher is None


@pytest.mark.parametrize("sender", [None, "kim", [], 7, {}])
def test_a_sender_that_is_no_person_is_none(sender: Any) -> None:
    assert told("gitea", sender=sender).pusher is None


@pytest.mark.parametrize(
    "name", ["kim", "Kim Ørsted", "robot$team+ci", "<b>kim</b>", "קים", "k" * LONGEST_PUSHER, "@all"]
)
def test_a_name_is_kept_as_it_was_sent(name: str) -> None:
    assert name_of(f" {name} ") == name
    assert told("harbor", operator=name).pusher == name


@pytest.mark.parametrize(
    ("initiator", "name"), [("ci/10.0.0.9", "ci"), ("a/b/::1", "a/b"), ("ci", None), ("/10.0.0.9", None)]
)
def test_nexus_writes_an_address_behind_the_name(initiator: str, name: str | None) -> None:
    assert told("nexus", initiator=initiator).pusher == name


def test_who_deletes_has_pushed_nothing() -> None:
    hint = told("harbor", type="DELETE_ARTIFACT")
    assert (hint.kind, hint.pusher) == (Kind.DELETED, None)

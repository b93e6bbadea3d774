from __future__ import annotations

import json
import zlib
from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.facts import Ambiguity, ImageFacts
from scanner.domain.image_config import HistoryEntry, ImageConfig, Platform
from scanner.storage import UnreadableFacts, dump_facts, load_facts
from tests.support.facts import facts, remapped

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=30)
MOMENTS = st.none() | st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]))
WORDS = st.none() | st.lists(ANY_TEXT, max_size=3).map(tuple)
CONFIGS = st.builds(
    ImageConfig,
    user=ANY_TEXT,
    platform=st.builds(Platform, ANY_TEXT, ANY_TEXT, ANY_TEXT, ANY_TEXT),
    env=st.lists(ANY_TEXT, max_size=3).map(tuple),
    entrypoint=WORDS,
    cmd=WORDS,
    working_dir=ANY_TEXT,
    volumes=st.lists(ANY_TEXT, max_size=3).map(tuple),
    exposed_ports=st.lists(ANY_TEXT, max_size=3).map(tuple),
    labels=st.lists(st.tuples(ANY_TEXT, ANY_TEXT), max_size=3).map(tuple),
    created=MOMENTS,
    diff_ids=st.just(()),
    history=st.lists(st.builds(HistoryEntry, ANY_TEXT, MOMENTS, ANY_TEXT, st.booleans()), max_size=3).map(tuple),
)


@pytest.mark.parametrize("image", [facts(), remapped(), facts("", None, None)], ids=["plain", "remapped", "scratch"])
def test_comes_back_as_it_was(image: ImageFacts) -> None:
    assert load_facts(dump_facts(image)) == image


@given(CONFIGS, st.binary(max_size=60), ANY_TEXT)
def test_any_text_and_bytes_come_back(config: ImageConfig, passwd: bytes, detail: str) -> None:
    plain = facts(
        "app", versions=[b"", None, passwd], ambiguities=[Ambiguity("duplicate-path", detail, detail, 1, False)]
    )
    image = ImageFacts(
        plain.digest,
        plain.config_digest,
        config,
        plain.layers,
        plain.passwd,
        plain.group,
        plain.shadow,
        plain.ambiguities,
    )
    assert load_facts(dump_facts(image)) == image


def test_the_same_facts_are_the_same_bytes() -> None:
    assert dump_facts(remapped()) == dump_facts(load_facts(dump_facts(remapped())))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not deflate",
        zlib.compress(b"not json"),
        zlib.compress(b"[]"),
        zlib.compress(b"{}"),
        zlib.compress(json.dumps({"schema": 2}).encode()),
        zlib.compress(b'{"schema": 1}'),
        dump_facts(facts())[:-10],
    ],
)
def test_what_cannot_be_read_is_said(data: bytes) -> None:
    with pytest.raises(UnreadableFacts):
        load_facts(data)

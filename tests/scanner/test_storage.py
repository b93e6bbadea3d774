from __future__ import annotations

import json
import zlib
from dataclasses import replace
from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.declared_base import DeclaredBase
from scanner.domain.facts import Ambiguity, ImageFacts
from scanner.domain.files import (
    EntryPoint,
    FileFacts,
    Node,
    NodeKind,
    PermissionClass,
    Place,
    PrivilegedFile,
    Program,
    ProgramForm,
    SudoersFile,
    Tree,
    Walk,
    WalkState,
)
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


BASED = replace(facts(), annotated_base=DeclaredBase("registry.example/base:1", facts().digest))


@pytest.mark.parametrize(
    "image", [facts(), remapped(), facts("", None, None), BASED], ids=["plain", "remapped", "scratch", "based"]
)
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


FILE = Node(NodeKind.FILE, 0o4755, 0, 7)
ROOT_FOLDER = Place("/", Node(NodeKind.FOLDER, 0o755, 0, 0), 0)
FOUND = Walk("/app", WalkState.FOUND, "/srv/\udcff\0", (ROOT_FOLDER,), Place("/srv/\udcff\0", FILE, 3))
GONE = Walk("/gone", WalkState.MISSING, "/gone", (ROOT_FOLDER,))
FILES = FileFacts(
    walks={"/app": FOUND, "/gone": GONE},
    trees=(Tree("/srv", (PermissionClass(FILE, (ROOT_FOLDER.node, FILE), 4, ("/srv/a",)),), 4, complete=False),),
    entry_point=EntryPoint(
        ("app", ""), ("/bin",), (Program(FOUND, ProgramForm.SCRIPT, "/gone", Program(GONE, ProgramForm.UNREAD)),)
    ),
    privileged=(PrivilegedFile(Place("/su", FILE, None), b"\0\1"), PrivilegedFile(Place("/sg", FILE, 1))),
    privileged_total=9,
    world_writable=(ROOT_FOLDER,),
    world_writable_total=3,
    sudoers=(SudoersFile(ROOT_FOLDER, b"\xff"), SudoersFile(ROOT_FOLDER, b""), SudoersFile(ROOT_FOLDER, None)),
    highest_uid=ROOT_FOLDER,
    tools=("/usr/bin/tini",),
)


@pytest.mark.parametrize("files", [None, FileFacts(), FILES])
def test_facts_of_files_come_back(files: FileFacts | None) -> None:
    image = replace(facts(), files=files)
    assert load_facts(dump_facts(image)) == image


def test_facts_of_the_first_schema_are_read() -> None:
    document = json.loads(zlib.decompress(dump_facts(replace(facts(), files=FILES))))
    del document["files"]
    stored = zlib.compress(json.dumps(document | {"schema": 1}).encode())
    assert load_facts(stored) == replace(facts(), files=None)

"""What an image says it was built on: a claim of anybody, so of any bytes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.declared_base import LONGEST, DeclaredBase, base_name, declared_base
from tests.support.facts import digest, facts

NAME, DIGEST = "org.opencontainers.image.base.name", "org.opencontainers.image.base.digest"
SHA = digest(7)

NAMES = [
    ("registry.example/team/base:1.2", "registry.example/team/base:1.2"),
    ("registry.example:5000/base", "registry.example:5000/base"),
    (f"registry.example/base:1@{SHA}", "registry.example/base:1"),
    (f"registry.example/base@{SHA}", "registry.example/base"),
    ("Registry.Example/base:V1", "registry.example/base:V1"),
    ("[2001:db8::1]:5000/base:1", "[2001:db8::1]:5000/base:1"),
    ("docker.io/library/alpine:3.18", "docker.io/library/alpine:3.18"),
    ("docker.io/alpine:3.18", "docker.io/library/alpine:3.18"),
    ("index.docker.io/library/alpine:3.18", "docker.io/library/alpine:3.18"),
    ("docker.io/team/app", "docker.io/team/app"),
]

NO_NAMES = [
    *("", "scratch", "alpine:3.18", "/", "/base:1", "registry.example/", "registry.example/:1", "registry.example/b:"),
    *("registry.example/BASE:1", "registry.example/base:1:2", "registry.example//base", "https://registry.example/b"),
    *("registry.example/base:1\n", "registry.example/base\x00", "registry.example/base:1\x1b[31m", " a.example/b"),
    *("registry.example/ba\u202ese:1", "registry.example/bäse:1", "registry.exämple/base:1", "a.example/base:१"),
    *("registry.example/<script>alert(1)</script>", 'registry.example/base:1" onclick="x', "registry.example/{{ 7 }}"),
    *("registry.example/base:1@", "registry.example/base@sha256:00", f"registry.example/base@{SHA}@{SHA}"),
    *(f"a.example/{'b' * 256}:1", f"a.example/b:{'1' * 129}", f"{'a' * (LONGEST - 4)}/base", "[::x]/base:1"),
    f"{'a.' * 200}example/base:1",
]


@pytest.mark.parametrize(("text", "name"), NAMES)
def test_a_name_has_one_spelling(text: str, name: str) -> None:
    assert base_name(text) == name
    assert base_name(name) == name


@pytest.mark.parametrize("text", NO_NAMES)
def test_what_names_no_image_is_not_declared(text: str) -> None:
    assert base_name(text) == ""
    assert declared_base([(NAME, text), (DIGEST, SHA)]) is None


def test_the_longest_name_is_no_longer_in_its_one_spelling() -> None:
    tag = "t" * 128
    text = f"docker.io/{'a' * 255}:{tag}"
    assert len(text) <= LONGEST
    assert base_name(text) == ""  # with "library/" its repository is longer than one may be
    assert base_name(f"docker.io/{'a' * 240}/b:{tag}") == f"docker.io/{'a' * 240}/b:{tag}"


@given(st.text(max_size=60) | st.from_regex(r"[a-z.]{1,9}/[a-z/]{1,9}(:[a-z0-9]{1,5})?(@sha256:[0-9a-f]{64})?"))
def test_any_text_is_a_short_printable_name_or_none(text: str) -> None:
    name = base_name(text)
    assert name == "" or (name.isascii() and name.isprintable() and "@" not in name and " " not in name)
    assert base_name(name) == name


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({NAME: "a.example/b:1", DIGEST: SHA}, DeclaredBase("a.example/b:1", SHA)),
        ({NAME: "a.example/b:1"}, DeclaredBase("a.example/b:1")),
        ({NAME: f"a.example/b:1@{SHA}"}, DeclaredBase("a.example/b:1", SHA)),
        ({NAME: "a.example/b:1", DIGEST: "sha256:<b>"}, DeclaredBase("a.example/b:1")),
        ({NAME: "a.example/b:1", DIGEST: "x" * 100_000}, DeclaredBase("a.example/b:1")),
        ({DIGEST: SHA}, None),
        ({"org.opencontainers.image.BASE.name": "a.example/b:1"}, None),
        ({}, None),
    ],
)
def test_what_is_said(said: dict[str, str], expected: DeclaredBase | None) -> None:
    assert declared_base(said.items()) == expected


def test_annotations_come_before_labels_which_are_inherited() -> None:
    plain = facts()
    labelled = replace(plain, config=replace(plain.config, labels=((NAME, "a.example/label:1"),)))
    assert plain.declared_base is None
    assert labelled.declared_base == DeclaredBase("a.example/label:1")
    both = replace(labelled, annotated_base=DeclaredBase("a.example/annotation:1"))
    assert both.declared_base == DeclaredBase("a.example/annotation:1")

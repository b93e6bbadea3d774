"""Big layers with tables of contents: a fail needs no more than the table, everything else is read whole."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from compliance.models import Image, Layer, Policy, Scan, Tag
from compliance.policy.wake_up import WakeUp
from compliance.services.publish_policies import publish_policies
from compliance.services.rejudge import rejudge
from compliance.services.run_scan_inline import work_on
from scanner.storage import FACTS_SCHEMA, FROM_TOC
from tests.compliance.services.conftest import World
from tests.compliance.services.test_heavy_layers import light_part
from tests.compliance.services.test_rejudge import LENIENT
from tests.support.images import Stored
from tests.support.layers import Entry, File, Folder
from tests.support.lazy_layers import LazyLayer, chunked_layer, lazy_image, stargz_layer

NOISE = random.Random(2).randbytes(60_000)
ENTRIES: dict[str, Entry] = {
    "etc": Folder(),
    "etc/passwd": File(b"root:x:0:0::/:/bin/sh\napp:x:1001:1001::/:/bin/sh\n"),
    "etc/group": File(b"app:x:1001:\n"),
    "srv": Folder(),
    "srv/model": File(NOISE),
    "usr/bin/run": File(b"\x7fELF", 0o755),
}
MAKERS: dict[str, Callable[..., LazyLayer]] = {"stargz": stargz_layer, "chunked": chunked_layer}
both = pytest.mark.parametrize("kind", MAKERS)


@pytest.fixture
def small(world: World, settings: Settings) -> World:
    settings.HEAVY_LAYER_BYTES = 30_000
    return world


def push(world: World, kind: str, user: str, lie: Any = lambda _: None, **annotations: str) -> LazyLayer:
    made = MAKERS[kind](ENTRIES, lie)
    stored: Stored = lazy_image([made], user=user, **annotations)
    world.layout.tag("team/app", "1", stored)
    return made


def in_light(world: World) -> tuple[Tag, list[WakeUp]]:
    left = light_part(world)
    return world.tag("team/app"), left


@both
@pytest.mark.parametrize("user", ["", "0", "root"])
def test_a_fail_needs_only_the_table(small: World, kind: str, user: str) -> None:
    made = push(small, kind, user)

    tag, left = in_light(small)

    assert (tag.verdict, tag.problem_code, left) == ("fail", "", [])
    scan = Scan.objects.get()
    assert (scan.bytes_saved, scan.state) == (len(made.blob), "done")
    assert scan.bytes < 10_000 < len(made.blob)
    assert not Layer.objects.exclude(index=None).exists()


@both
def test_a_pass_is_read_whole(small: World, kind: str) -> None:
    push(small, kind, "1001:1001")

    tag, (heavy,) = in_light(small)

    assert (tag.verdict, tag.problem_code) == ("unknown", "big-layers")
    work_on(heavy, clock=lambda: small.now)
    assert small.tag("team/app").verdict == "pass"
    assert Scan.objects.get().bytes_saved == 0


@both
def test_the_next_scan_asks_for_nothing_more(small: World, kind: str) -> None:
    push(small, kind, "0")
    small.scan()
    small.later(hours=1)

    small.scan()

    assert [method for method, path in small.requests() if "/manifests/" in path or "/blobs/" in path] == ["HEAD"]
    assert small.tag("team/app").verdict == "fail"


@both
def test_under_another_policy_it_is_unknown_until_it_is_read(small: World, kind: str) -> None:
    push(small, kind, "")
    small.scan()
    publish_policies(small.now, [LENIENT])

    rejudge(Policy.objects.get(name="kubernetes"), clock=lambda: small.now)

    assert (small.tag("team/app").verdict, Image.objects.get().facts_schema) == ("unknown", FROM_TOC)
    small.later(hours=1)
    small.scan()
    assert (small.tag("team/app").verdict, Image.objects.get().facts_schema) == ("pass", FACTS_SCHEMA)


def wrong(table: dict[str, Any]) -> None:
    """The account file's bytes are others than the table vouches for."""
    entry = next(one for one in table["entries"] if one["name"] == "etc/passwd")
    entry.update(digest="sha256:" + "0" * 64, chunkDigest="sha256:" + "0" * 64)


def outside(table: dict[str, Any]) -> None:
    next(one for one in table["entries"] if one["name"] == "etc/passwd").update(offset=1 << 40)


def rooted(table: dict[str, Any]) -> None:
    """The table hides who owns a program."""
    next(one for one in table["entries"] if one["name"] == "usr/bin/run").update(mode=0o4755)


@both
@pytest.mark.parametrize("lie", [wrong, outside])
def test_what_the_table_cannot_vouch_for_is_read_whole(small: World, kind: str, lie: Any) -> None:
    push(small, kind, "root", lie)

    tag, (heavy,) = in_light(small)

    assert tag.problem_code == "big-layers"
    work_on(heavy, clock=lambda: small.now)
    assert small.tag("team/app").verdict == "fail"


@both
def test_a_table_that_lies_is_no_pass(small: World, kind: str) -> None:
    push(small, kind, "1001:1001", rooted)

    small.scan()

    tag = small.tag("team/app")
    assert tag.verdict == "fail"
    assert "NR114" in tag.violated


@pytest.mark.parametrize(("kind", "name"), [("stargz", "toc_digest"), ("chunked", "checksum")])
def test_an_annotation_that_does_not_fit_is_not_believed(small: World, kind: str, name: str) -> None:
    push(small, kind, "0", **{name: "sha256:" + "0" * 64})

    tag, _ = in_light(small)

    assert tag.problem_code == "big-layers"


@both
def test_a_registry_that_gives_whole_blobs_only(small: World, kind: str) -> None:
    push(small, kind, "0")
    small.server.faults.ignores_range = True

    tag, (heavy,) = in_light(small)

    assert tag.problem_code == "big-layers"
    work_on(heavy, clock=lambda: small.now)
    assert (small.tag("team/app").verdict, Scan.objects.get().bytes_saved) == ("fail", 0)

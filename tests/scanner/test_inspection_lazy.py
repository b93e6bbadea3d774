"""Images whose layers carry tables of contents: a table that lies never leads to a pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from scanner.domain.facts import ImageFacts
from scanner.domain.limits import DEFAULT_LIMITS
from scanner.domain.reference import RepositoryName, TagName
from scanner.domain.verdict import Verdict
from scanner.inspection import inspect
from scanner.judge import judge
from scanner.policies import policy_named
from tests.support.demo_registry import DemoRegistry
from tests.support.images import Stored
from tests.support.layers import Entry, File, Folder, layer
from tests.support.lazy_layers import LazyLayer, chunked_layer, lazy_image, stargz_layer
from tests.support.oci_layout import OciLayout
from tests.support.sources import local_source

SHOP = RepositoryName("team/shop")
ENTRIES: dict[str, Entry] = {
    "etc": Folder(),
    "etc/passwd": File(b"root:x:0:0:root:/root:/bin/sh\napp:x:1001:1001::/:/bin/sh\n"),
    "etc/group": File(b"app:x:1001:\n"),
}
WRONG = "sha256:" + "0" * 64
Make = Callable[..., LazyLayer]
both = pytest.mark.parametrize("make", [stargz_layer, chunked_layer])


@pytest.fixture
def facts_of(demo_registry: DemoRegistry, demo_layout: OciLayout) -> Callable[[Stored], ImageFacts]:
    def read(stored: Stored) -> ImageFacts:
        demo_registry.auth = "none"
        demo_layout.tag(SHOP, "1", stored)
        with local_source(demo_registry.url) as source:
            (found,) = inspect(source, SHOP, TagName("1"), platform=None, limits=DEFAULT_LIMITS).images
        assert found.facts is not None, found.problem
        return found.facts

    return read


Facts = Callable[[Stored], ImageFacts]


def remap(table: dict[str, Any]) -> None:
    """To lazy runtimes, ``app`` is somebody else."""
    next(one for one in table["entries"] if one["name"] == "etc/passwd").update(digest=WRONG, chunkDigest=WRONG)


@both
def test_a_true_table_changes_nothing(facts_of: Facts, make: Make) -> None:
    facts = facts_of(lazy_image([make(ENTRIES)], user="1001:1001"))
    assert facts.ambiguities == ()
    assert judge(facts, policy_named("kubernetes")).verdict is Verdict.PASS


@both
def test_a_table_that_lies_fails(facts_of: Facts, make: Make) -> None:
    facts = facts_of(lazy_image([make(ENTRIES, remap)], user="1001:1001"))
    (found,) = facts.ambiguities
    assert (found.code, found.layer, found.decides) == ("toc-differs", 0, True)
    assert "/etc/passwd" in found.detail
    assert judge(facts, policy_named("kubernetes")).verdict is Verdict.FAIL


def bare(entries: dict[str, Entry]) -> LazyLayer:
    """A layer that a tool compressed again and left the annotations of."""
    plain = layer(entries)
    return LazyLayer(plain.tar, plain.blob, plain.media_type, {})


@pytest.mark.parametrize(
    ("make", "annotations", "decides"),
    [
        (bare, {"toc_digest": WRONG}, [False]),
        (bare, {"checksum": WRONG}, [True]),
        (chunked_layer, {"checksum": WRONG}, [True]),
        (stargz_layer, {"toc_digest": WRONG}, [True]),
        (stargz_layer, {"checksum": WRONG}, [True]),
        (chunked_layer, {"toc_digest": WRONG}, [True]),
    ],
)
def test_an_annotation_that_names_another_table(
    facts_of: Facts, make: Make, annotations: dict[str, str], decides: list[bool]
) -> None:
    facts = facts_of(lazy_image([make(ENTRIES)], user="1001:1001", **annotations))
    assert [found.decides for found in facts.ambiguities if found.code == "toc-differs"] == decides

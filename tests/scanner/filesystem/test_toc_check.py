"""Tables of contents beside the archives they describe."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from scanner.domain.limits import DEFAULT_LIMITS, Limits
from scanner.domain.problems import LimitExceeded
from scanner.domain.reference import Digest
from scanner.filesystem.layer_index import LayerIndex, index_layer
from scanner.filesystem.toc_check import Toc
from tests.support.layers import Entry, File, Folder, HardLink, Layer, Symlink, Whiteout, layer
from tests.support.lazy_layers import (
    CHUNKED_DIGEST,
    STARGZ_DIGEST,
    LazyLayer,
    chunked_layer,
    honest,
    stargz_footer,
    stargz_layer,
)

PASSWD = b"root:x:0:0:root:/root:/bin/sh\napp:x:1001:1001::/home/app:/bin/sh\n"
ENTRIES: dict[str, Entry] = {
    "etc": Folder(),
    "etc/passwd": File(PASSWD),
    "bin/ping": File(b"\x7fELF", 0o755, capability=bytes.fromhex("0100000200200000000000000000000000000000")),
    "bin/again": HardLink("bin/ping"),
    "sh": Symlink("bin/busybox"),
    "old": Whiteout(),
    "bin/net": File(b"\x7fELF", 0o755, capability=bytes.fromhex("0100000200200000000000000000000000000000")),
    "ü": File(b"x", 0o4755, 5, 6),
}
MAKERS = [stargz_layer, chunked_layer]
Make = Callable[..., LazyLayer]


def indexed(made: Layer, limits: Limits = DEFAULT_LIMITS) -> LayerIndex:
    blob = [made.blob[at : at + 1000] for at in range(0, len(made.blob), 1000)]
    return index_layer(iter(blob), digest=Digest(made.digest), size=len(made.blob), diff_id=None, limits=limits)


def toc_of(made: Layer, limits: Limits = DEFAULT_LIMITS) -> Toc | None:
    found = indexed(made, limits)
    assert LayerIndex.from_bytes(found.to_bytes()).toc == found.toc, "it is stored"
    return found.toc


@pytest.mark.parametrize("make", MAKERS)
def test_a_true_table(make: Make) -> None:
    made = make(ENTRIES)
    digest = made.annotations.get(STARGZ_DIGEST) or made.annotations[CHUNKED_DIGEST]
    assert toc_of(made) == Toc(digest, "")


@pytest.mark.parametrize("compression", ["gzip", "zstd", "plain"])
def test_layers_without_a_table(compression: Any) -> None:
    assert toc_of(layer(ENTRIES, compression)) is None


def change(name: str, **values: object) -> Callable[[dict[str, Any]], object]:
    def lie(table: dict[str, Any]) -> None:
        next(entry for entry in table["entries"] if entry["name"] == name).update(values)

    return lie


def add(**entry: object) -> Callable[[dict[str, Any]], object]:
    return lambda table: table["entries"].append(entry)


LIES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "another owner": (change("etc/passwd", uid=7), "/etc/passwd"),
    "another mode": (change("ü", mode=0o755), "/ü"),
    "another type": (change("sh", type="reg"), "/sh"),
    "another target": (change("sh", linkName="bin/sh"), "/sh"),
    "another size": (change("etc/passwd", size=5), "/etc/passwd"),
    "no capability": (change("bin/net", xattrs={}), "/bin/net"),
    "other bytes": (change("etc/passwd", digest="sha256:" + "0" * 64, chunkDigest=""), "other bytes for /etc/passwd"),
    "other chunk": (change("etc/passwd", chunkDigest="sha256:" + "0" * 64), "other bytes for /etc/passwd"),
    "no digest": (change("etc/passwd", digest=None, chunkDigest=None), "other bytes for /etc/passwd"),
    "part of the bytes": (change("etc/passwd", chunkSize=3), "other bytes for /etc/passwd"),
    "one more": (add(name="etc/sudoers", type="reg", mode=0o440), "/sudoers below /etc"),
    "twice": (add(name="etc/passwd", type="reg", mode=0o644), "/etc/passwd"),
    "one chunk more": (add(name="etc/passwd", type="chunk", chunkOffset=900), "other bytes for /etc/passwd"),
    "less": (lambda table: table["entries"].pop(), "/ü below /"),
    "nothing": (lambda table: table["entries"].clear(), "only in one"),
    "unknown type": (change("sh", type="door"), "cannot be read: it has an entry of type"),
    "negative": (change("sh", uid=-1), "cannot be read: its uid"),
    "huge": (change("sh", uid=10**30), "cannot be read: a number"),
    "fraction": (change("sh", uid=1.5), "cannot be read: its uid"),
    "two spellings": (change("sh", LinkName="bin/sh"), "cannot be read: readers disagree about its key 'LinkName'"),
    "a way out": (add(name="../x", type="reg"), "cannot be read: a name leaves the root"),
    "deep": (add(name="a" + "/a" * 200, type="reg"), "below /"),
    "nested": (change("sh", xattrs={"a": {"b": "c"}}), "cannot be read: its entry at character"),
    "a list": (change("sh", xattrs=["a"]), "cannot be read: its entry at character"),
    "no base64": (change("sh", xattrs={"security.capability": "?"}), "cannot be read: an attribute"),
    "entries elsewhere": (lambda table: table.update(Entries=[]), "cannot be read: readers disagree"),
}


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("name", LIES)
def test_lies_are_named(make: Make, name: str) -> None:
    lie, said = LIES[name]
    found = toc_of(make(ENTRIES, lie))
    assert found is not None
    assert said in found.differs


def test_chunks_that_make_up_a_file() -> None:
    def split(table: dict[str, Any]) -> None:
        entry = next(entry for entry in table["entries"] if entry["name"] == "etc/passwd")
        digests = ["sha256:" + hashlib.sha256(part).hexdigest() for part in (PASSWD[:10], PASSWD[10:])]
        entry.update(chunkSize=10, chunkDigest=digests[0])
        at = table["entries"].index(entry) + 1
        rest = {"name": "etc/passwd", "type": "chunk", "chunkOffset": 10, "chunkDigest": digests[1]}
        table["entries"].insert(at, rest)

    found = toc_of(chunked_layer(ENTRIES, split))
    assert found is not None
    assert found.differs == ""


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"entries": [}', '{"entries": [{}', '{"a": {"entries": []}}', "\0"])
def test_tables_that_are_none(text: str) -> None:
    found = toc_of(stargz_layer(ENTRIES, text=text))
    assert found is not None
    assert "cannot be read" in found.differs


@pytest.mark.parametrize("offset", [0, 1, 10**9])
def test_footers_that_lie(offset: int) -> None:
    made = stargz_layer(ENTRIES)
    blob = made.blob[:-51] + stargz_footer(offset)
    found = toc_of(replace(made, blob=blob))
    assert found is not None
    assert found.differs.startswith("the table of contents cannot be read: ")


@pytest.mark.parametrize("unpacked", [0, 5, 10_000])
def test_a_footer_that_states_another_length(unpacked: int) -> None:
    found = toc_of(chunked_layer(ENTRIES, unpacked=unpacked))
    assert found is not None
    assert "another length" in found.differs


@pytest.mark.parametrize("make", MAKERS)
def test_a_table_over_the_limit_is_unknown(make: Make) -> None:
    with pytest.raises(LimitExceeded, match="toc_bytes"):
        indexed(make(ENTRIES), replace(DEFAULT_LIMITS, toc_bytes=500))


def test_names_that_are_no_text() -> None:
    made = stargz_layer({"caf\udce9": File(b"x")}, honest)
    found = toc_of(made)
    assert found is not None
    assert found.differs == ""

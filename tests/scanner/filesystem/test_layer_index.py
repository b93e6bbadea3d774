from __future__ import annotations

import gzip
import io
import struct
import tarfile
import tracemalloc
from array import array
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.limits import DEFAULT_LIMITS, Limits
from scanner.domain.problems import ImageProblem
from scanner.filesystem.layer_codec import UnknownIndexVersion, UnreadableIndex
from scanner.filesystem.layer_columns import (
    DEVICE,
    FIFO,
    FILE,
    FOLDER,
    HARD_LINK,
    NOTHING,
    SYMLINK,
    Flag,
)
from scanner.filesystem.layer_index import LayerIndex
from tests.support.archives import END, indexed, member, pax
from tests.support.layers import Device, Entry, File, Folder, HardLink, Opaque, Symlink, Whiteout, layer

PASSWD = b"root:x:0:0:root:/root:/bin/sh\n"


def _index(
    entries: Mapping[str, Entry], *, limits: Limits = DEFAULT_LIMITS, keep: tuple[bytes, ...] = ()
) -> LayerIndex:
    return indexed(layer(entries).blob, limits=limits, keep=keep)


def _node(index: LayerIndex, path: str) -> int:
    node = index.find(path.encode())
    assert node is not None
    return node


def _flags(index: LayerIndex, path: str) -> Flag:
    return Flag(index.columns.flags[_node(index, path)])


def _kind(index: LayerIndex, path: str) -> int:
    return index.columns.kind[_node(index, path)]


def _problem(archive: bytes, limits: Limits = DEFAULT_LIMITS) -> str:
    with pytest.raises(ImageProblem) as problem:
        indexed(archive + END, limits=limits)
    return problem.value.code


KINDS: list[tuple[Entry, int]] = [
    (File(b"x"), FILE),
    (Folder(), FOLDER),
    (Symlink("to"), SYMLINK),
    (Device(), DEVICE),
    (HardLink("nowhere"), HARD_LINK),
    (Whiteout(), NOTHING),
]


@pytest.mark.parametrize(("entry", "kind"), KINDS)
def test_kinds(entry: Entry, kind: int) -> None:
    assert _kind(_index({"a/b": entry}), "a/b") == kind


def test_a_fifo_and_a_device_by_hand() -> None:
    index = indexed(member(b"pipe", kind=b"6") + member(b"disk", kind=b"4") + END)
    assert (_kind(index, "pipe"), _kind(index, "disk")) == (FIFO, DEVICE)


def test_attributes() -> None:
    index = _index({"bin/ping": File(b"x" * 9, 0o4755, 1000, 2_000_000, b"\1\0\0\2abcdefgh")})
    node = _node(index, "bin/ping")
    columns = index.columns
    found = columns.mode[node], columns.uid[node], columns.gid[node], columns.size[node]
    assert found == (0o4755, 1000, 2_000_000, 9)
    assert index.capability(node) == b"\1\0\0\2abcdefgh"


OWNERS = [(0, 0), (-1, 0), (-2, 2**32 - 2), (2**32, 0), (2**32 + 5, 5), (2**32 - 1, 0), (2**31, 2**31)]


@pytest.mark.parametrize(("stated", "uid"), OWNERS)
def test_owners_are_what_the_kernel_makes_of_them(stated: int, uid: int) -> None:
    index = indexed(pax({b"uid": str(stated).encode()}) + member(b"a") + END)
    assert index.columns.uid[_node(index, "a")] == uid


def test_folders_nobody_made_are_implied() -> None:
    index = _index({"a/b/c": File()})
    assert _kind(index, "a/b") == FOLDER
    assert not _flags(index, "a/b") & Flag.EXPLICIT
    assert index.columns.mode[_node(index, "a/b")] == 0o755


@pytest.mark.parametrize("first", ["x", ".wh.x"])
def test_a_whiteout_and_its_path_in_one_layer_are_both_recorded(first: str) -> None:
    names = [first, ".wh.x" if first == "x" else "x"]
    index = _index({name: File(b"x") for name in names})
    assert _flags(index, "x") & Flag.WHITEOUT
    assert _kind(index, "x") == FILE


def test_opaque_folders() -> None:
    index = _index({"a": Opaque(), "a/b": File(), "c": File()})
    assert _flags(index, "a") & Flag.OPAQUE
    assert Flag(indexed(member(b".wh..wh..opq") + END).columns.flags[0]) & Flag.OPAQUE


SPELLINGS = [b"etc/passwd", b"./etc/passwd", b"/etc//passwd", b"etc/../etc/./passwd"]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_last_of_equal_paths_wins_however_it_is_spelled(spelling: bytes) -> None:
    index = indexed(member(b"etc/passwd", b"benign") + member(spelling, b"evil") + END)
    node = _node(index, "etc/passwd")
    assert index.content(node) == b"evil"
    assert Flag(index.columns.flags[node]) & Flag.DUPLICATE


def test_a_repeated_folder_is_no_duplicate() -> None:
    index = indexed(member(b"a/", kind=b"5") + member(b"a/b") + member(b"a/", kind=b"5") + END)
    assert not _flags(index, "a") & Flag.DUPLICATE


def test_account_files_are_kept_and_hashes_are_not() -> None:
    index = _index({"etc/passwd": File(PASSWD), "etc/shadow": File(b"root:$6$abc:1\n"), "etc/hosts": File(b"x")})
    kept = {index.path(node): content for node, content in index.contents.items()}
    assert kept == {b"etc/passwd": PASSWD, b"etc/shadow": b"root:xxxxxx:1\n"}


def test_namesakes_are_kept_within_bounds() -> None:
    big = File(b"x" * (64 * 1024 + 1))
    index = _index({"usr/etc/passwd": File(PASSWD), "usr/lib/group": big, "a/other": File(PASSWD)})
    assert {index.path(node) for node in index.contents} == {b"usr/etc/passwd"}


@pytest.mark.parametrize(("size", "kept"), [(10, True), (11, False)])
def test_an_account_file_over_the_limit_is_not_kept(size: int, kept: bool) -> None:
    limits = replace(DEFAULT_LIMITS, account_file_bytes=10)
    index = _index({"etc/passwd": File(b"x" * size)}, limits=limits)
    assert (index.content(_node(index, "etc/passwd")) is not None) is kept


def test_a_second_reading_keeps_what_links_lead_to() -> None:
    entries: dict[str, Entry] = {"nix/store/1-users": File(PASSWD), "etc/passwd": Symlink("/nix/store/1-users")}
    again = _index(entries, keep=(b"nix/store/1-users",))
    assert again.content(_node(again, "nix/store/1-users")) == PASSWD


def test_a_hard_link_lends_everything() -> None:
    index = _index({"opt/x": File(PASSWD, 0o600, 7, 8), "etc/passwd": HardLink("opt/x")}, keep=(b"opt/x",))
    node = _node(index, "etc/passwd")
    columns = index.columns
    assert (columns.kind[node], columns.mode[node], columns.uid[node], columns.gid[node]) == (FILE, 0o600, 7, 8)
    assert (columns.size[node], index.content(node), index.content_path(node)) == (len(PASSWD), PASSWD, b"opt/x")


def test_the_last_header_of_a_file_says_who_owns_all_its_names() -> None:
    links: dict[str, Entry] = {"b": HardLink("a"), "c": HardLink("b", File(mode=0o4755, uid=5, gid=6))}
    index = _index({"a": File(b"x", 0o600, 7, 8), **links})
    columns, nodes = index.columns, [_node(index, name) for name in "abc"]
    assert [(columns.mode[node], columns.uid[node], columns.gid[node]) for node in nodes] == [(0o4755, 5, 6)] * 3
    assert set(nodes) <= set(index.listed)


def test_a_link_without_capabilities_takes_those_of_the_file() -> None:
    index = _index({"a": File(b"x", 0o755, capability=b"\1\0\0\2"), "b": HardLink("a", File(mode=0o755))})
    assert [index.capability(_node(index, name)) for name in "ab"] == [None, None]


def test_a_hard_link_to_a_hard_link_leads_to_the_bytes() -> None:
    index = _index({"a": File(b"x"), "b": HardLink("a"), "c": HardLink("./b")})
    assert index.content_path(_node(index, "c")) == b"a"


def test_a_hard_link_keeps_what_its_target_was() -> None:
    index = indexed(member(b"a", b"old") + member(b"etc/passwd", kind=b"1", link=b"a") + member(b"a", b"newer") + END)
    assert index.columns.size[_node(index, "etc/passwd")] == 3


def test_entries_go_through_a_link_of_their_own_layer() -> None:
    index = _index({"lib64": Symlink("../usr/lib"), "lib64/x": File(b"x")})
    assert _flags(index, "usr/lib/x") & Flag.REDIRECTED
    assert _flags(index, "lib64") & Flag.THROUGH


IMPOSSIBLE = {
    "entry below a file": (member(b"a") + member(b"a/b"), "bad-tree"),
    "entry below a FIFO": (member(b"a", kind=b"6") + member(b"a/b"), "bad-tree"),
    "folder with entries, then file": (member(b"a/b") + member(b"a"), "bad-tree"),
    "hard link to a folder": (member(b"a/", kind=b"5") + member(b"b", kind=b"1", link=b"a"), "bad-tree"),
    "hard link to itself": (member(b"b", kind=b"1", link=b"b"), "bad-tree"),
    "hard link to the root": (member(b"b", kind=b"1", link=b"/"), "bad-tree"),
    "hard link out of the root": (member(b"b", kind=b"1", link=b"../b"), "unsafe-path"),
    "symlink to nothing": (member(b"b", kind=b"2"), "bad-tree"),
    "whiteout of nothing": (member(b"a/.wh."), "bad-whiteout"),
    "whiteout of the folder itself": (member(b"a/.wh.."), "bad-whiteout"),
    "whiteout of the folder above": (member(b"a/.wh..."), "bad-whiteout"),
    "the root as a symlink": (member(b"./", kind=b"2", link=b"/x"), "unsafe-path"),
    "links in a circle": (
        member(b"a", kind=b"2", link=b"b") + member(b"b", kind=b"2", link=b"a") + member(b"a/x"),
        "limit-symlink-hops",
    ),
    "a capability of 25 bytes": (pax({b"SCHILY.xattr.security.capability": b"x" * 25}) + member(b"a"), "bad-tree"),
    "a link target of 4097 bytes": (
        pax({b"linkpath": b"x" * 4097}) + member(b"a", kind=b"2"),
        "limit-path-bytes",
    ),
}


@pytest.mark.parametrize(("archive", "code"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_nobody_can_unpack_is_refused(archive: bytes, code: str) -> None:
    assert _problem(archive) == code


SKIPPED = [b".wh..wh.plnk/1.2", b".wh..wh.aufs", b"a/.wh..wh.orph"]


@pytest.mark.parametrize("name", SKIPPED)
def test_the_bookkeeping_of_aufs_is_skipped(name: bytes) -> None:
    index = indexed(member(name) + END)
    assert all(not index.name(node).startswith(b".wh.") for node in range(len(index)))


def test_the_number_of_entries_is_limited() -> None:
    limits = replace(DEFAULT_LIMITS, layer_entries=3)
    assert indexed(member(b"a") * 3 + END, limits=limits).entries == 3
    assert _problem(member(b"a") * 4, limits) == "limit-layer-entries"


def test_the_text_of_an_index_is_limited() -> None:
    limits = replace(DEFAULT_LIMITS, layer_text_bytes=1000)
    assert _problem(b"".join(member(b"%090d" % n) for n in range(12)), limits) == "limit-layer-text-bytes"


def test_an_index_survives_storage() -> None:
    index = _index(
        {"etc/passwd": File(PASSWD), "a": Symlink("etc"), "b/c": Opaque(), "bin/x": File(capability=b"caps")}
    )
    again = LayerIndex.from_bytes(index.to_bytes())
    assert again == index
    assert again.link(_node(again, "a")) == b"etc"


def test_another_releases_index_is_told_apart() -> None:
    data = bytearray(_index({}).to_bytes())
    data[3] += 1
    with pytest.raises(UnknownIndexVersion):
        LayerIndex.from_bytes(bytes(data))


@given(at=st.integers(4, 10_000), bit=st.integers(0, 7))
def test_damage_in_storage_never_changes_an_index(at: int, bit: int) -> None:
    data = bytearray(_STORED)
    data[4 + (at - 4) % (len(data) - 4)] ^= 1 << bit
    try:
        found = LayerIndex.from_bytes(bytes(data))
    except UnreadableIndex:
        return
    # Some bits of a zstd frame, the window's size among them, mean nothing for the content.
    assert found == LayerIndex.from_bytes(_STORED)


@pytest.mark.parametrize("length", range(0, 200, 11))
def test_a_cut_index_is_noticed(length: int) -> None:
    with pytest.raises(UnreadableIndex):
        LayerIndex.from_bytes(_STORED[:length])


CONTRADICTIONS: list[tuple[str, array[int]]] = [
    ("parent", array("I", [0, 0, 3, 1])),
    ("parent", array("I", [0, 1, 0, 0])),
    ("kind", array("B", [2, 2, 1, 7])),
    ("kind", array("B", [1, 2, 1, 1])),
    ("name_at", array("I", [0, 1, 2, 9000])),
    ("link_at", array("I", [0, 0, 9000, 0])),
    ("program_at", array("I", [0, 0, 9000, 0])),
]


@pytest.mark.parametrize(("column", "values"), CONTRADICTIONS)
def test_an_index_that_contradicts_itself_is_refused(column: str, values: array[int]) -> None:
    index = _index({"a/b": File(), "c": File()})
    bad = replace(index, columns=replace(index.columns, **{column: values}))
    with pytest.raises(UnreadableIndex):
        LayerIndex.from_bytes(bad.to_bytes())


def test_a_list_of_nodes_that_are_not_there_is_refused() -> None:
    bad = replace(_index({"a": File()}), listed=array("I", [0, 2]))
    with pytest.raises(UnreadableIndex):
        LayerIndex.from_bytes(bad.to_bytes())


def test_what_is_listed() -> None:
    index = _index(
        {"a": File(mode=0o4755), "b": File(uid=7), "c": Folder(0o777), "d": Symlink("a"), "x/su": Symlink("a")}
    )
    assert [index.path(node) for node in index.listed] == [b"", b"a", b"b", b"c", b"x/su"]


def test_only_the_first_bytes_of_programs_are_kept() -> None:
    script = b"#!/bin/sh\n" + bytes(100_000)
    index = _index({"run": File(script, 0o755), "also": File(script, 0o711), "not": File(script, 0o644)})
    found = {index.path(node): index.program(node) for node in range(len(index))}
    assert found == {b"": None, b"run": b"S/bin/sh", b"also": b"S/bin/sh", b"not": None}
    assert index.text.count(b"S/bin/sh") == 1
    assert dict(index.contents) == {}


def test_a_program_with_the_name_of_an_account_file_is_both() -> None:
    index = _index({"etc/passwd": File(b"#!/bin/sh\n", 0o755)})
    node = index.find(b"etc/passwd")
    assert node is not None
    assert (index.program(node), index.content(node)) == (b"S/bin/sh", b"#!/bin/sh\n")


def test_a_length_beyond_reason_is_refused_before_memory_is_taken() -> None:
    with pytest.raises(UnreadableIndex):
        LayerIndex.from_bytes(struct.pack("<3sBQ", b"PLI", 1, 1 << 60))


_NAMES = st.sampled_from(["a", "b", "c", "aa", "é", "a.b"])
_TREES = st.dictionaries(st.lists(_NAMES, min_size=1, max_size=4).map("/".join), st.integers(0, 99), max_size=12)


@given(sizes=_TREES, step=st.integers(1, 5000))
def test_every_file_is_found_and_nothing_else(sizes: dict[str, int], step: int) -> None:
    files = {path: size for path, size in sizes.items() if not any(other.startswith(path + "/") for other in sizes)}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for path, size in files.items():
            info = tarfile.TarInfo(path)
            info.size = size
            archive.addfile(info, io.BytesIO(bytes(size)))
    index = indexed(gzip.compress(out.getvalue()), step=step)
    kinds = index.columns.kind
    found = {index.path(node).decode(): index.columns.size[node] for node in range(len(index)) if kinds[node] == FILE}
    assert found == files
    assert all(index.find(index.path(node)) == node for node in range(len(index)))


_STORED = _index({"etc/passwd": File(PASSWD), "a": Symlink("etc"), "x/y/z": File(b"")}).to_bytes()


def test_entries_behind_long_ways_of_links_have_a_limit() -> None:
    # A hundred kilobytes of these kept a worker busy for minutes.
    hops = b"".join(
        pax({b"linkpath": b"d/../" * 800 + b"k%d" % (i + 1)}) + member(b"k%d" % i, kind=b"2", link=b"x")
        for i in range(38)
    )
    ways = member(b"d/", kind=b"5") + member(b"t/", kind=b"5") + member(b"k38", kind=b"2", link=b"/t") + hops
    files = b"".join(member(b"k0/a%d/f" % i) for i in range(50))
    assert _problem(ways + files, replace(DEFAULT_LIMITS, path_steps=500_000)) == "limit-path-steps"


def test_links_to_a_large_account_file_have_a_limit() -> None:
    # In storage each had its copy: ten thousand entries, a hundred gigabytes.
    links = b"".join(member(b"h%d" % i, kind=b"1", link=b"etc/passwd") for i in range(20))
    limits = replace(DEFAULT_LIMITS, account_versions_bytes=1_000_000)
    assert _problem(member(b"etc/passwd", b"a" * 100_000) + links, limits) == "limit-account-versions-bytes"


def test_large_contents_wait_compressed() -> None:
    index = _index({"etc/passwd": File(b"a:x:1:1::/:\n" * 800_000)})
    assert index.content(_node(index, "etc/passwd")) == b"a:x:1:1::/:\n" * 800_000
    tracemalloc.start()
    again = LayerIndex.from_bytes(index.to_bytes())
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert again == index
    assert held < 1_000_000

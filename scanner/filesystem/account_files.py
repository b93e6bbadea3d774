"""``/etc/passwd`` and its kin as a process in the container opens them, and as each layer left them."""

from __future__ import annotations

from collections.abc import Iterator

from scanner.domain.facts import ACCOUNT_FILES, PASSWD, AccountFile, FileVersion, ReadState
from scanner.domain.problems import LimitExceeded
from scanner.filesystem.layer_columns import FILE, ROOT, Flag
from scanner.filesystem.paths import shown
from scanner.filesystem.rootfs import Place, Resolution, RootFs


def account_file(rootfs: RootFs, path: str) -> AccountFile:
    """Resolve one account file.

    ``versions``, of ``/etc/passwd`` alone, leaves out what is over ``account_file_bytes`` and what no reading has kept.

    :raises LimitExceeded: ``link_fetches`` where the final bytes were not kept; see ``missing_contents``;
        ``account_versions_bytes`` where the versions of all layers together would fill the memory.
    """
    found = rootfs.resolve(path)
    links = tuple(f"{shown(where)} -> {target.decode('utf-8', 'backslashreplace')}" for where, target in found.links)
    state = _state(rootfs, found)
    versions = _versions(rootfs, path) if path == PASSWD else ()
    if state in (ReadState.MISSING, ReadState.LINK_LOOP):
        return AccountFile(path, state, versions=versions, links=links)
    position, node = found.places[0]
    columns = rootfs.layers[position].columns
    return AccountFile(
        path,
        state,
        content=_content(rootfs, found) if state is ReadState.PRESENT else b"",
        resolved="/" + found.path.decode("utf-8", "surrogateescape"),
        layer=position,
        mode=columns.mode[node],
        uid=columns.uid[node],
        gid=columns.gid[node],
        versions=versions,
        links=links,
    )


def missing_contents(rootfs: RootFs) -> dict[int, frozenset[bytes]]:
    """Paths to keep in a second reading, by layer position: where links lead to bytes nobody kept.

    Of ``/etc/passwd`` also what lower layers had there: an account that changes between two layers is a finding.
    """
    wanted = [place for _, place in _places(rootfs, PASSWD) if place is not None]
    for path in ACCOUNT_FILES:
        wanted += rootfs.resolve(path).places[:1]
    missing: dict[int, frozenset[bytes]] = {}
    for position, node in wanted:
        layer = rootfs.layers[position]
        readable = layer.columns.kind[node] == FILE and layer.columns.size[node] <= rootfs.limits.account_file_bytes
        if readable and layer.content(node) is None:
            missing[position] = missing.get(position, frozenset()) | {layer.content_path(node)}
    return missing


def _state(rootfs: RootFs, found: Resolution) -> ReadState:
    if found.looped:
        return ReadState.LINK_LOOP
    if not found.places:
        return ReadState.MISSING
    if rootfs.kind(found.places[0]) != FILE:
        return ReadState.NOT_REGULAR
    position, node = found.places[0]
    size = rootfs.layers[position].columns.size[node]
    return ReadState.TOO_LARGE if size > rootfs.limits.account_file_bytes else ReadState.PRESENT


def _content(rootfs: RootFs, found: Resolution) -> bytes:
    position, node = found.places[0]
    content = rootfs.layers[position].content(node)
    if content is None:
        raise LimitExceeded(
            "link_fetches",
            rootfs.limits.link_fetches,
            "more",
            subject=f"readings for what links lead to {shown(found.path)}",
        )
    return content


def _versions(rootfs: RootFs, path: str) -> tuple[FileVersion, ...]:
    versions: list[FileVersion] = []
    total, allowed = 0, rootfs.limits.account_versions_bytes
    for top, place in _places(rootfs, path):
        content = rootfs.layers[place[0]].content(place[1]) if place else None
        total += len(content or b"")
        if total > allowed:
            raise LimitExceeded("account_versions_bytes", allowed, "more", subject=f"{path} in all layers")
        if place is None or content is not None:
            versions.append(FileVersion(top, content))
    return tuple(versions)


def _places(rootfs: RootFs, path: str) -> Iterator[tuple[int, Place | None]]:
    """Where the file is, as of each layer that changed that; ``None`` where it is gone."""
    previous: Place | None = None
    trail: set[bytes] | None = None
    for top in range(len(rootfs.layers)):
        if trail is not None and not _touches(rootfs, top, trail):
            continue
        stack = rootfs.below(top + 1)
        found = stack.resolve(path)
        trail = found.trail
        regular = _state(stack, found) in (ReadState.PRESENT, ReadState.TOO_LARGE)
        place = found.places[0] if regular else None
        if place == previous:
            continue
        previous = place
        yield top, place


def _touches(rootfs: RootFs, position: int, trail: set[bytes]) -> bool:
    layer = rootfs.layers[position]
    rootfs.steps.spend(sum(path.count(b"/") + 1 for path in trail))
    return bool(layer.columns.flags[ROOT] & Flag.OPAQUE) or any(layer.find(path) is not None for path in trail)

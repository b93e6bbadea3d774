"""Archive members in, a layer's tree out, in one pass and without an object per entry."""

from __future__ import annotations

from array import array
from collections.abc import Collection
from typing import NoReturn

from scanner.domain.limits import Limits
from scanner.domain.problems import ImageProblem, LimitExceeded
from scanner.filesystem.kept_contents import Content, KeptContents
from scanner.filesystem.layer_codec import Stored
from scanner.filesystem.layer_columns import (
    DEVICE,
    FIFO,
    FILE,
    FOLDER,
    HARD_LINK,
    NOTHING,
    ROOT,
    SYMLINK,
    Columns,
    Flag,
)
from scanner.filesystem.layer_order import in_level_order
from scanner.filesystem.name_table import NameTable
from scanner.filesystem.paths import clean, shown
from scanner.filesystem.program_head import HEAD_BYTES, program_record
from scanner.filesystem.steps import Steps
from scanner.filesystem.tar import Member

_KINDS = {"0": FILE, "1": HARD_LINK, "2": SYMLINK, "3": DEVICE, "4": DEVICE, "5": FOLDER, "6": FIFO}
_WHITEOUT = b".wh."
_WHITEOUT_METADATA = b".wh..wh."
_OPAQUE = b".wh..wh..opq"
_FOLDERS_REMEMBERED = 4_096
_CAPABILITY_BYTES = 24  # struct vfs_ns_cap_data; the kernel refuses longer ones
_UNCHANGED_OWNER = 0xFFFFFFFF
_IMPLIED_MODE = 0o755

TOOLS = frozenset(
    (
        *(b"gosu", b"su-exec", b"setpriv", b"chpst", b"runuser", b"su", b"sudo", b"doas", b"capsh"),
        *(b"tini", b"tini-static", b"dumb-init", b"catatonit", b"s6-svscan", b"s6-setuidgid", b"s6-overlay-suexec"),
        *(b"init", b"my_init", b"fixuid", b"start-stop-daemon", b"pebble", b"supervisord"),
    )
)
"""Names of programs that start others, some of them as another user."""

_LISTED_MODES = 0o6002
_EXECUTABLE = 0o111

_PARENT, _EXPLICIT, _RESOLVED = int(Flag.PARENT), int(Flag.EXPLICIT), int(Flag.RESOLVED)
_DUPLICATE, _REDIRECTED, _THROUGH = int(Flag.DUPLICATE), int(Flag.REDIRECTED), int(Flag.THROUGH)


class LayerBuilder:
    """Collects the members of one layer.

    Listed is what has setuid, setgid or a capability, what everybody may write, hard links to what lower layers have,
    ``TOOLS``, and one node each of the highest uid and gid: more than is worth naming, since only the whole image can
    tell.

    :param keep: paths, besides the account files, whose bytes are wanted.
    """

    def __init__(self, limits: Limits, keep: Collection[bytes] = ()) -> None:
        self._limits = limits
        self._columns = Columns()
        self._names = NameTable(self._columns, limits)
        self._folders: dict[bytes, tuple[int, int]] = {}
        self._contents = KeptContents(limits, keep)
        self._listed = array("I")
        self._linked = array("I")
        self._steps = Steps(limits)
        self.entries = 0
        self._names.find_or_add(ROOT, b"")
        self._columns.kind[ROOT] = FOLDER
        self._columns.mode[ROOT] = _IMPLIED_MODE

    def add(self, member: Member, content: Content) -> None:
        """Take one member.

        :param content: asked for the member's bytes, if they are wanted.
        :raises ImageProblem: where no runtime could unpack it.
        """
        self.entries += 1
        if self.entries > self._limits.layer_entries:
            raise LimitExceeded(
                "layer_entries", self._limits.layer_entries, self.entries, subject="entries of the layer"
            )
        path = clean(member.name, self._limits)
        above, _, name = path.rpartition(b"/")
        if name.startswith(_WHITEOUT):
            if name == _OPAQUE or not path.startswith(_WHITEOUT_METADATA):
                self._whiteout(above, name, path)
        elif path.startswith(_WHITEOUT_METADATA):
            pass  # AUFS bookkeeping, which runtimes skip
        elif path:
            self._put(above, name, member, content)
        elif member.type != "5":
            raise ImageProblem("unsafe-path", "an entry that is not a folder stands for the root itself")
        else:
            self._root(member)

    def finish(self) -> Stored:
        """The columns in level order, the text, the contents by node and the nodes that are listed."""
        del self._names.hashes, self._names.slots
        self._share_attributes()
        text = self._names.text
        columns, rank = in_level_order(self._columns, text)
        contents = {rank[node]: content for node, content in self._contents.by_node.items()}
        listed = {rank[node] for node in self._listed}
        listed.update(owners.index(max(owners)) for owners in (columns.uid, columns.gid))
        return Stored({}, columns, bytes(text), contents, array("I", sorted(listed)))

    def _root(self, member: Member) -> None:
        columns = self._columns
        columns.flags[ROOT] |= _EXPLICIT
        columns.mode[ROOT] = member.mode & 0o7777
        columns.uid[ROOT], columns.gid[ROOT] = _owner(member.uid), _owner(member.gid)

    def _whiteout(self, above: bytes, name: bytes, path: bytes) -> None:
        folder, redirected = self._folder(above)
        flags = self._columns.flags
        if name == _OPAQUE:
            flags[folder] |= Flag.OPAQUE | redirected
            return
        hidden = name[len(_WHITEOUT) :]
        if hidden in (b"", b".", b".."):
            raise ImageProblem("bad-whiteout", f"a whiteout without a name: {shown(path)}")
        if not name.startswith(_WHITEOUT_METADATA):
            flags[self._names.find_or_add(folder, hidden)] |= Flag.WHITEOUT | redirected

    def _folder(self, path: bytes) -> tuple[int, int]:
        """The folder an entry goes into, and ``REDIRECTED`` where a symlink leads there."""
        known = self._folders.get(path)
        return known if known is not None else self._descend(path)

    def _descend(self, path: bytes) -> tuple[int, int]:
        # From the nearest folder known, or else each entry of a deep tree would cost the whole depth.
        above, names, known = path, [], None
        while above and (known := self._folders.get(above)) is None:
            above, _, name = above.rpartition(b"/")
            names.append(name)
        folder, redirected = known or (ROOT, 0)
        for name in reversed(names):
            inside = self._enter(folder, name)
            if inside is None:
                return self._remember(path, self._walk(path))
            folder, above = inside, above + b"/" + name if above else name
            self._remember(above, (folder, redirected))
        return folder, redirected

    def _remember(self, path: bytes, folder: tuple[int, int]) -> tuple[int, int]:
        if len(self._folders) >= _FOLDERS_REMEMBERED:
            self._folders.clear()
        self._folders[path] = folder
        return folder

    def _enter(self, folder: int, name: bytes) -> int | None:
        """The folder of that name, made where nothing is; ``None`` for a symlink."""
        columns = self._columns
        node = self._names.find_or_add(folder, name)
        kind = columns.kind[node]
        if kind == SYMLINK:
            return None
        if kind == NOTHING:
            columns.kind[node] = FOLDER
            columns.mode[node] = _IMPLIED_MODE
            columns.flags[folder] |= _PARENT
        elif kind != FOLDER:
            self._impossible(node, "something that is not a folder has entries below it")
        return node

    def _walk(self, path: bytes) -> tuple[int, int]:
        """Step by step, through the symlinks of this layer."""
        way, ahead, hops = [ROOT], path.split(b"/")[::-1], 0
        while ahead:
            name = ahead.pop()
            self._steps.spend(1)
            if name == b"..":
                way = way[:-1] or [ROOT]
            elif name not in (b"", b"."):
                node = self._enter(way[-1], name)
                if node is None:
                    hops += 1
                    way = self._follow(self._names.find_or_add(way[-1], name), way, ahead, hops)
                    continue
                way.append(node)
                if len(way) > self._limits.path_depth + 1:
                    allowed = self._limits.path_depth
                    raise LimitExceeded("path_depth", allowed, len(way) - 1, subject="path behind links")
        return way[-1], _REDIRECTED if hops else 0

    def _follow(self, node: int, way: list[int], ahead: list[bytes], hops: int) -> list[int]:
        if hops > self._limits.symlink_hops:
            raise LimitExceeded(
                "symlink_hops", self._limits.symlink_hops, hops, subject=f"links below {self._shown(node)}"
            )
        self._columns.flags[node] |= _THROUGH
        target = self._names.sized(self._columns.link_at[node])
        ahead.extend(reversed(target.split(b"/")))
        return [ROOT] if target.startswith(b"/") else way

    def _put(self, above: bytes, name: bytes, member: Member, content: Content) -> None:
        columns = self._columns
        folder, redirected = self._folder(above)
        node = self._names.find_or_add(folder, name)
        kind = _KINDS[member.type]
        if columns.kind[node]:
            self._replace(node, kind)
        flags = columns.flags
        flags[folder] |= _PARENT
        flags[node] |= _EXPLICIT | redirected
        columns.kind[node] = kind
        columns.mode[node] = member.mode & 0o7777
        columns.uid[node] = _owner(member.uid)
        columns.gid[node] = _owner(member.gid)
        columns.size[node] = member.size
        if name in TOOLS or (member.mode & _LISTED_MODES and kind != SYMLINK):
            self._listed.append(node)
        if kind == FILE:
            self._file(node, above, name, member, content)
        elif kind == SYMLINK:
            columns.link_at[node] = self._names.add_sized(self._target(node, member.link))
        elif kind == HARD_LINK:
            self._hard_link(node, member)

    def _file(self, node: int, above: bytes, name: bytes, member: Member, content: Content) -> None:
        columns = self._columns
        columns.link_at[node] = columns.capability_at[node] = columns.program_at[node] = 0
        if member.capability:
            columns.capability_at[node] = self._capability(node, member.capability)
            self._listed.append(node)
        kept = None
        if self._contents.may_want(above, name):
            kept = self._contents.take(node, self._path(node), member.size, content)
        if member.mode & _EXECUTABLE:
            head = content.read_head(HEAD_BYTES) if kept is None else kept[:HEAD_BYTES]
            columns.program_at[node] = self._names.intern(program_record(head, member.size))

    def _replace(self, node: int, kind: int) -> None:
        columns = self._columns
        before, flags = columns.kind[node], columns.flags[node]
        if before == FOLDER:
            if kind == FOLDER:
                return  # every runtime lets the later attributes win
            if flags & _PARENT:
                self._impossible(node, "the same path is a folder with entries and then something else")
        columns.flags[node] = (flags | _DUPLICATE) & ~_RESOLVED
        self._contents.by_node.pop(node, None)
        self._folders.clear()

    def _hard_link(self, node: int, member: Member) -> None:
        columns = self._columns
        path = clean(member.link, self._limits)
        target = self._locate(path) if path else ROOT
        if target in (node, ROOT) or (target is not None and columns.kind[target] == FOLDER):
            self._impossible(node, "a hard link to a folder or to itself")
        if target is None or columns.kind[target] == NOTHING:
            columns.link_at[node] = self._names.add_sized(path)
            self._listed.append(node)
            return
        columns.kind[node], columns.size[node] = columns.kind[target], columns.size[target]
        columns.program_at[node] = columns.program_at[target]
        shares_link = columns.kind[target] in (SYMLINK, HARD_LINK) or columns.flags[target] & _RESOLVED
        columns.link_at[node] = columns.link_at[target] if shares_link else self._names.add_sized(path)
        if columns.kind[target] == FILE:
            inode = self._inode(target)
            # chown(2) takes capabilities away, so only what the link's own header brings is there afterwards.
            columns.capability_at[inode] = self._capability(node, member.capability) if member.capability else 0
            for column in (columns.mode, columns.uid, columns.gid):
                column[inode] = column[node]
            self._linked.extend((node, inode))
            columns.flags[node] |= _RESOLVED
            if target in self._contents.by_node:
                self._contents.hold(node, self._contents.by_node[target])

    def _inode(self, node: int) -> int:
        """The entry that brought the bytes of a file, which all hard links to it share."""
        if not self._columns.flags[node] & _RESOLVED:
            return node
        found = self._locate(self._names.sized(self._columns.link_at[node]))
        return node if found is None or self._columns.kind[found] != FILE else found

    def _share_attributes(self) -> None:
        """Give all names of a file the attributes the last of their headers gave it.

        Source: ``createTarFile`` of moby and containerd, which change owner and mode of a link as of a file.
        """
        columns, pairs = self._columns, iter(self._linked)
        for node, inode in zip(pairs, pairs, strict=True):
            if columns.flags[inode] & _DUPLICATE:
                continue  # another file stands there since; which one the link names is ambiguous anyway
            for column in (columns.mode, columns.uid, columns.gid):
                column[node] = column[inode]
            columns.capability_at[node] = columns.capability_at[inode]
            if columns.mode[inode] & _LISTED_MODES or columns.capability_at[inode]:
                self._listed.extend((node, inode))

    def _locate(self, path: bytes) -> int | None:
        node = ROOT
        for name in path.split(b"/"):
            found = self._names.find(node, name)
            if found is None:
                return None
            node = found
        return node

    def _capability(self, node: int, capability: bytes) -> int:
        if len(capability) > _CAPABILITY_BYTES:
            self._impossible(node, "a capability attribute longer than the kernel accepts")
        return self._names.add_sized(capability)

    def _target(self, node: int, link: bytes) -> bytes:
        if not link:
            self._impossible(node, "a symlink to nothing")
        if len(link) > self._limits.path_bytes:
            raise LimitExceeded("path_bytes", self._limits.path_bytes, len(link), subject="link target")
        return link

    def _path(self, node: int) -> bytes:
        parts = []
        while node != ROOT:
            parts.append(self._names.name(node))
            node = self._columns.parent[node]
        return b"/".join(reversed(parts))

    def _shown(self, node: int) -> str:
        return shown(self._path(node))

    def _impossible(self, node: int, what: str) -> NoReturn:
        raise ImageProblem("bad-tree", f"no runtime can unpack {self._shown(node)}: {what}")


def _owner(number: int) -> int:
    # The kernel takes 32 bits of what Go passes, and -1 means "leave it", which for a fresh file is root.
    number &= 0xFFFFFFFF
    return 0 if number == _UNCHANGED_OWNER else number

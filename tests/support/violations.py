"""One image for each rule that violates it."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import replace

from scanner.domain.facts import Ambiguity, ImageFacts
from scanner.domain.files import FileFacts, Node, NodeKind, Place, PrivilegedFile, SudoersFile
from tests.support.demo.families import DEBIAN
from tests.support.facts import APP, APP_GROUP, P0, P0_GROUP, facts, privileged, remapped
from tests.support.files import entry_point, image, node, program

_CAPABILITY = struct.pack("<5I", 2 << 24 | 1, 1 << 10, 0, 0, 0)
_SERVER = {"/srv/server": node("-rwx------", 1001, 1001)}


def _writable_passwd() -> ImageFacts:
    plain = facts("9000:9000", DEBIAN.passwd)
    return replace(plain, passwd=replace(plain.passwd, mode=0o664))


def _with_sudo() -> ImageFacts:
    place = Place("/etc/sudoers", Node(NodeKind.FILE, 0o440, 0, 0), 0)
    return facts("app", files=FileFacts(sudoers=(SudoersFile(place, b"app ALL=(ALL) NOPASSWD: ALL\n"),)))


def _world_writable() -> ImageFacts:
    folder = Place("/srv", Node(NodeKind.FOLDER, 0o777, 0, 0), 0)
    return facts("9000", files=FileFacts(world_writable=(folder,), world_writable_total=1))


def _high_owner() -> ImageFacts:
    return facts("100000:0", files=FileFacts(highest_uid=Place("/srv", Node(NodeKind.FOLDER, 0o755, 100_000, 0), 0)))


def _holding(file: PrivilegedFile) -> FileFacts:
    return FileFacts(privileged=(file,), privileged_total=1)


VIOLATIONS: Mapping[str, ImageFacts] = {
    "NR101": facts(""),
    "NR102": facts("00"),
    "NR103": facts("app", APP.replace("1001", "0")),
    "NR104": facts("nosuch"),
    "NR105": facts("app"),
    "NR106": facts("4294967296"),
    "NR107": facts("33:33"),
    "NR108": facts("65534:65534"),
    "NR109": facts("9000:9000"),
    "NR110": facts("9000"),
    "NR111": facts("9999:9999", P0, P0_GROUP),
    "NR113": facts("app:", P0, P0_GROUP),
    "NR114": facts("1001", ambiguities=[Ambiguity("duplicate-key", "/config/User", "it is there twice")]),
    "NR115": facts("", entrypoint=["gosu", "app"]),
    "NR201": facts("1001", APP + "toor:x:0:0::/:/bin/sh\n"),
    "NR202": remapped(),
    "NR203": _writable_passwd(),
    "NR204": facts("1001", APP + "# comment\n"),
    "NR205": facts("1001", APP + "web::7:7::/:/bin/sh\n"),
    "NR301": facts("1001"),
    "NR302": image({"/srv": node("drwxr-xr-x")}, home="/srv"),
    "NR303": image({"/srv": node("drwxr-xr-x")}, working_dir="/srv"),
    "NR304": image({"/srv": node("drwxr-xr-x")}, volumes=["/srv"]),
    "NR305": image({"/srv/a": node("-rw-------")}, working_dir="/srv"),
    "NR306": image(_SERVER, entry=entry_point(program("/srv/server", _SERVER))),
    "NR307": facts("1001:1001"),
    "NR308": _world_writable(),
    "NR401": facts("9000", exposed=["80/tcp"]),
    "NR402": facts("9000", DEBIAN.passwd, files=_holding(privileged("/bin/su", 0o4755))),
    "NR403": facts("9000", DEBIAN.passwd, files=_holding(privileged("/bin/server", capability=_CAPABILITY))),
    "NR404": _with_sudo(),
    "NR405": _high_owner(),
    "NR501": facts("app", APP, APP_GROUP, history=["RUN useradd app"]),
    "NR502": facts("app", history=["RUN chmod -R 777 /srv"]),
    "NR503": facts("app", history=["USER 1001", "USER app"]),
}
"""By id. NR112 compares platforms and has none."""

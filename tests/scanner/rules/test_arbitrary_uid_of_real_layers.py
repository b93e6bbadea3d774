"""The rules for an arbitrary uid over facts gathered from layers, not written by hand."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import replace

from scanner.domain.facts import ImageFacts
from scanner.domain.image_config import ImageConfig
from scanner.filesystem.file_facts import file_facts
from scanner.platforms.openshift import restricted_v2
from scanner.rulebook import RULES
from tests.support.archives import rootfs
from tests.support.facts import APP, facts
from tests.support.images import Entry, File, Folder

ASKED = ("NR301", "NR302", "NR303", "NR304", "NR305", "NR306", "NR308", "NR405")
# A static program of type ET_EXEC whose one program header says nothing.
ELF = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 2, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0) + bytes(56)
BASE: Mapping[str, Entry] = {"etc/passwd": File(APP.encode()), "tmp": Folder(0o1777), "bin/sh": File(ELF, 0o755)}


def gathered(tree: Mapping[str, Entry], *, home: str) -> ImageFacts:
    image = facts("1001:0", entrypoint=["/srv/app/start"], env=[f"HOME={home}"], working_dir="/srv/app")
    config: ImageConfig = replace(image.config, volumes=("/srv/data",))
    return replace(image, config=config, files=file_facts(rootfs({**BASE, **tree}), config, APP.encode()))


PREPARED = gathered(
    {
        "srv/app": Folder(0o775),
        "srv/app/start": File(b"#!/bin/sh\n", 0o755),
        "srv/app/settings": File(b"", 0o640),
        "srv/data": Folder(0o775, uid=1001),
    },
    home="/srv/app",
)
OF_ONE_ACCOUNT = gathered(
    {
        "srv/app": Folder(0o755, uid=1001, gid=1001),
        "srv/app/start": File(b"#!/bin/sh\n", 0o700, uid=1001, gid=1001),
        "srv/app/settings": File(b"", 0o600, uid=1001, gid=1001),
        "srv/app/cache": Folder(0o777, uid=70_000, gid=1001),
        "home/app": Folder(0o700, uid=1001, gid=1001),
    },
    home="/home/app",
)


def outcomes(image: ImageFacts) -> dict[str, str]:
    return {rule.id: rule.check(image, rule.threshold).outcome.value for rule in RULES if rule.id in ASKED}


def test_prepared_for_any_uid() -> None:
    assert outcomes(PREPARED) == dict.fromkeys(ASKED, "ok")
    assert "may write HOME, WORKDIR and volumes" in restricted_v2(PREPARED).message


def test_made_for_one_account() -> None:
    assert outcomes(OF_ONE_ACCOUNT) == {**dict.fromkeys(ASKED, "violated"), "NR301": "ok"}
    assert restricted_v2(OF_ONE_ACCOUNT).message == 'exec: "/srv/app/start": permission denied'


def test_everything_below_the_application_is_counted() -> None:
    rule = next(rule for rule in RULES if rule.id == "NR305")
    reason = rule.check(OF_ONE_ACCOUNT, None).reason
    assert (
        reason
        == "Group 0 cannot read 2 of 3 files and folders below `/srv/app`: `/srv/app/settings`, `/srv/app/start`."
    )

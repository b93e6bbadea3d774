"""The image config document, read as Go's ``encoding/json`` reads it into the OCI / Docker structs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from scanner.domain.ambiguity import Ambiguity
from scanner.domain.go_json import Document, Field, JsonBounds, Reader, read_json
from scanner.domain.limits import Limits
from scanner.domain.problems import ImageProblem, LimitExceeded
from scanner.domain.reference import Digest, InvalidReference, parse_digest


@dataclass(frozen=True, slots=True)
class Platform:
    """OCI platform; ``os_version`` matters on Windows only."""

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One line of ``history``; ``empty_layer`` entries changed the config only."""

    created_by: str
    created: datetime | None
    comment: str
    empty_layer: bool


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """``user`` is the verbatim string, as declared; ``""`` where it is absent or null."""

    user: str
    platform: Platform
    env: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    working_dir: str = ""
    volumes: tuple[str, ...] = ()
    exposed_ports: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    created: datetime | None = None
    diff_ids: tuple[Digest, ...] = ()
    history: tuple[HistoryEntry, ...] = ()

    def environment(self, name: str) -> str | None:
        """The value of an environment variable; the last one wins, as in the kernel's callers."""
        prefix = f"{name}="
        found = [item[len(prefix) :] for item in self.env if item.startswith(prefix)]
        return found[-1] if found else None


_TOP = ("architecture", "os", "os.version", "variant", "created", "config", "rootfs", "history")
_CONFIG = ("User", "Env", "Entrypoint", "Cmd", "WorkingDir", "Volumes", "ExposedPorts", "Labels")
_ROOTFS = ("type", "diff_ids")
_HISTORY = ("created", "created_by", "comment", "empty_layer")
_DOCUMENT = Document("image config", "bad-config", "config_bytes")


def parse_image_config(body: bytes, limits: Limits) -> tuple[ImageConfig, tuple[Ambiguity, ...]]:
    """Read an image config as Go runtimes do, and say where another reader could read it otherwise.

    :raises ImageProblem: ``bad-config`` where a runtime refuses it: not JSON, a wrong type, no ``rootfs``.
    :raises LimitExceeded: over ``config_bytes``, ``json_depth`` or ``layers``.
    """
    reader = Reader(_DOCUMENT)
    bounds = JsonBounds(limits.config_bytes, limits.json_depth, limits.json_values)
    fields = reader.fields(read_json(body, bounds, _DOCUMENT), "", _TOP)
    config = fields["config"].fields(_CONFIG) if "config" in fields else {}
    found = ImageConfig(
        user=_text(config, "User"),
        platform=_platform(fields),
        env=_texts(config, "Env") or (),
        entrypoint=_command(config, "Entrypoint"),
        cmd=_command(config, "Cmd"),
        working_dir=_text(config, "WorkingDir"),
        volumes=_keys(config, "Volumes"),
        exposed_ports=_keys(config, "ExposedPorts"),
        labels=tuple(config["Labels"].text_mapping().items()) if "Labels" in config else (),
        created=_time(fields),
        diff_ids=_diff_ids(fields, limits),
        history=_history(fields),
    )
    return found, reader.ambiguities


def _text(fields: Mapping[str, Field], name: str) -> str:
    return fields[name].text() if name in fields else ""


def _texts(fields: Mapping[str, Field], name: str) -> tuple[str, ...] | None:
    return fields[name].texts() if name in fields else None


def _command(fields: Mapping[str, Field], name: str) -> tuple[str, ...] | None:
    return fields[name].command() if name in fields else None


def _keys(fields: Mapping[str, Field], name: str) -> tuple[str, ...]:
    return tuple(fields[name].mapping()) if name in fields else ()


def _platform(fields: Mapping[str, Field]) -> Platform:
    return Platform(
        os=_text(fields, "os"),
        architecture=_text(fields, "architecture"),
        variant=_text(fields, "variant"),
        os_version=_text(fields, "os.version"),
    )


def _diff_ids(fields: Mapping[str, Field], limits: Limits) -> tuple[Digest, ...]:
    # Docker: "invalid image JSON, no RootFS key".
    if "rootfs" not in fields or not fields["rootfs"].given:
        raise ImageProblem("bad-config", "image config: it has no rootfs, so Docker refuses it")
    rootfs = fields["rootfs"].fields(_ROOTFS)
    if _text(rootfs, "type") not in ("layers", ""):
        raise ImageProblem("bad-config", f"image config: rootfs has the type {_text(rootfs, 'type')[:100]!r}")
    diff_ids = _texts(rootfs, "diff_ids") or ()
    if len(diff_ids) > limits.layers:
        raise LimitExceeded("layers", limits.layers, len(diff_ids), subject="image config")
    try:
        return tuple(parse_digest(text) for text in diff_ids)
    except InvalidReference as problem:
        raise ImageProblem("bad-config", f"image config: a diff_id is {problem}") from None


def _history(fields: Mapping[str, Field]) -> tuple[HistoryEntry, ...]:
    if "history" not in fields:
        return ()
    return tuple(fields["history"].each(lambda item: _history_entry(item.fields(_HISTORY))))


def _history_entry(fields: Mapping[str, Field]) -> HistoryEntry:
    return HistoryEntry(
        created_by=_text(fields, "created_by"),
        created=_time(fields),
        comment=_text(fields, "comment"),
        empty_layer=fields["empty_layer"].flag() if "empty_layer" in fields else False,
    )


_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)", re.ASCII)


def _time(fields: Mapping[str, Field]) -> datetime | None:
    """An aware time; ``None`` where it is absent, or the year 1 or 0 that stands for *no time*.

    :raises ImageProblem: ``bad-config`` where Go refuses it, and with it the image.
    """
    found = None
    for text in fields["created"].each_text() if "created" in fields else ():
        found = None if text is None else _moment(text)
    return found


def _moment(text: str) -> datetime | None:
    found = _RFC3339.fullmatch(text)
    if found is None:
        raise _odd_time(text)
    zone = "+00:00" if found[4] == "Z" else found[4]
    if found[1].startswith("0000"):
        return None
    try:
        # To UTC at once: a zone that leads out of the years 1 to 9999 is odd too, not a fault for later.
        moment = datetime.fromisoformat(f"{found[1]}T{found[2]}.{(found[3] or '0'):0<6.6}{zone}").astimezone(UTC)
    except OverflowError:
        return None
    except ValueError:
        raise _odd_time(text) from None
    return moment if moment.year > 1 else None


def _odd_time(text: str) -> ImageProblem:
    return ImageProblem("bad-config", f"image config: {text[:100]!r} is no time, so Docker refuses it")

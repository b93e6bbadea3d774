"""Facts as bytes and back, so that a changed policy can re-judge the fleet without one registry request.

The document is JSON, deflated. Raw bytes are base64; strings keep NUL and lone surrogates as JSON escapes. A reader
refuses a schema it does not know: facts that are read wrongly would be judged wrongly, and nobody would notice.

Schema 1 knew nothing of files other than account files; its facts are read, and scans replace them.
"""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from datetime import datetime
from typing import Any, cast

from scanner.domain.declared_base import DeclaredBase
from scanner.domain.facts import AccountFile, Ambiguity, FileVersion, ImageFacts, Layer, ReadState
from scanner.domain.image_config import HistoryEntry, ImageConfig, Platform
from scanner.domain.reference import Digest
from scanner.storage_of_files import files_document, files_from

FACTS_SCHEMA = 2
FROM_TOC = 0
"""Stands for the schema of facts with ``from_toc``: whatever reads them again, reads more than they are made of."""
_READABLE = (1, 2)

_Document = dict[str, Any]  # JSON object: its values are checked by the constructors below


class UnreadableFacts(ValueError):
    """Stored facts are damaged or of another schema; the image has to be inspected again."""


def dump_facts(facts: ImageFacts) -> bytes:
    """Write facts as a compressed document; equal facts give equal bytes."""
    document = {
        "schema": FACTS_SCHEMA,
        "digest": facts.digest,
        "config_digest": facts.config_digest,
        "config": _config_document(facts.config),
        "layers": [[x.digest, x.diff_id, x.media_type, x.size, x.created_by] for x in facts.layers],
        "passwd": _account_document(facts.passwd),
        "group": _account_document(facts.group),
        "shadow": _account_document(facts.shadow),
        "ambiguities": [[x.code, x.where, x.detail, x.layer, x.decides] for x in facts.ambiguities],
        "manifest_size": facts.manifest_size,
        "files": files_document(facts.files),
        **({"from_toc": True} if facts.from_toc else {}),
        **({"base": [base.name, base.digest]} if (base := facts.annotated_base) else {}),
    }
    return zlib.compress(json.dumps(document, separators=(",", ":")).encode("ascii"), 6)


def load_facts(data: bytes) -> ImageFacts:
    """Read what ``dump_facts`` wrote.

    :raises UnreadableFacts: when it is damaged, or of a schema this version does not know.
    """
    try:
        document = cast(_Document, json.loads(zlib.decompress(data)))
        if document["schema"] not in _READABLE:
            raise UnreadableFacts(f"facts of schema {document['schema']!r}, not {FACTS_SCHEMA}")
        return _facts(document)
    except (zlib.error, ValueError, LookupError, TypeError) as error:
        if isinstance(error, UnreadableFacts):
            raise
        raise UnreadableFacts(f"stored facts cannot be read: {type(error).__name__}") from error


def _facts(document: _Document) -> ImageFacts:
    return ImageFacts(
        digest=Digest(document["digest"]),
        config_digest=Digest(document["config_digest"]),
        config=_config(document["config"]),
        layers=tuple(Layer(position, *row) for position, row in enumerate(document["layers"])),
        passwd=_account(document["passwd"]),
        group=_account(document["group"]),
        shadow=_account(document["shadow"]),
        ambiguities=tuple(Ambiguity(*row) for row in document["ambiguities"]),
        manifest_size=document["manifest_size"],
        files=files_from(document["files"]) if document["schema"] > 1 else None,
        from_toc=document.get("from_toc", False) is True,
        annotated_base=DeclaredBase(*document["base"]) if "base" in document else None,
    )


def _config_document(config: ImageConfig) -> _Document:
    platform = config.platform
    return {
        "user": config.user,
        "platform": [platform.os, platform.architecture, platform.variant, platform.os_version],
        "env": config.env,
        "entrypoint": config.entrypoint,
        "cmd": config.cmd,
        "working_dir": config.working_dir,
        "volumes": config.volumes,
        "exposed_ports": config.exposed_ports,
        "labels": config.labels,
        "created": _written(config.created),
        "diff_ids": config.diff_ids,
        "history": [[x.created_by, _written(x.created), x.comment, x.empty_layer] for x in config.history],
    }


def _config(document: _Document) -> ImageConfig:
    return ImageConfig(
        user=document["user"],
        platform=Platform(*document["platform"]),
        env=tuple(document["env"]),
        entrypoint=_words(document["entrypoint"]),
        cmd=_words(document["cmd"]),
        working_dir=document["working_dir"],
        volumes=tuple(document["volumes"]),
        exposed_ports=tuple(document["exposed_ports"]),
        labels=tuple((name, value) for name, value in document["labels"]),
        created=_moment(document["created"]),
        diff_ids=tuple(document["diff_ids"]),
        history=tuple(HistoryEntry(by, _moment(at), comment, empty) for by, at, comment, empty in document["history"]),
    )


def _account_document(file: AccountFile) -> _Document:
    return {
        "path": file.path,
        "state": file.state,
        "content": _text(file.content),
        "resolved": file.resolved,
        "layer": file.layer,
        "owner": [file.mode, file.uid, file.gid],
        "versions": [[x.layer, None if x.content is None else _text(x.content)] for x in file.versions],
        "links": file.links,
    }


def _account(document: _Document) -> AccountFile:
    mode, uid, gid = document["owner"]
    return AccountFile(
        path=document["path"],
        state=ReadState(document["state"]),
        content=b64decode(document["content"]),
        resolved=document["resolved"],
        layer=document["layer"],
        mode=mode,
        uid=uid,
        gid=gid,
        versions=tuple(FileVersion(at, None if raw is None else b64decode(raw)) for at, raw in document["versions"]),
        links=tuple(document["links"]),
    )


def _text(raw: bytes) -> str:
    return b64encode(raw).decode("ascii")


def _words(words: list[str] | None) -> tuple[str, ...] | None:
    return None if words is None else tuple(words)


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)

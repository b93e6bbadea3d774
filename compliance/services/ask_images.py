"""Put the rules' questions to images and keep the answers with them: no policy has a say in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from compliance.models import BaseImage, Image, Outline
from compliance.models.bulk import update_rows
from compliance.remediation.run_key import run_key
from compliance.services.record_problem import allowed_by_limit, problem_columns
from scanner.across import DOES_NOT_START, identity_word
from scanner.domain.facts import ImageFacts
from scanner.domain.identity import StartError
from scanner.domain.outline import Outline as OutlineValue
from scanner.domain.outline import dump_outline
from scanner.domain.printable import printable
from scanner.domain.problems import ScanProblem
from scanner.domain.reading import read
from scanner.domain.reference import Digest
from scanner.judge import NOT_RUNNABLE, REVISION, UNREAD, ask, outline
from scanner.storage import FACTS_SCHEMA, FROM_TOC, UnreadableFacts, dump_facts, load_facts

_BATCH = 200
_ASKED = ("declared_user", "uid", "gid", "runs_as", "identity", "run_key", "base", "outline", "outline_revision")


@dataclass(frozen=True, slots=True)
class ImageRead:
    """What one manifest turned out to be; exactly one of ``facts``, ``artifact`` and ``problem`` is set.

    :param config: ``Image.config_document``.
    """

    digest: Digest
    facts: ImageFacts | None = None
    artifact: str = ""
    platform: str = ""
    problem: ScanProblem | None = None
    config: bytes | None = None


def image_rows(images: Iterable[ImageRead], *, now: datetime) -> list[Image]:
    """Make unsaved rows with their outlines; what comes from an image is made printable: Postgres refuses NUL."""
    rows: list[Image] = []
    asked: list[str] = []
    bases: list[str] = []
    for image in images:
        row = _row(image, now)
        rows.append(row)
        asked.append(dump_outline(_ask(row, image.facts)))
        bases.append(_base(image.facts))
    _link(rows, asked, bases)
    return rows


def image_row(image: ImageRead, *, now: datetime) -> Image:
    """Make one unsaved row."""
    return image_rows([image], now=now)[0]


def ask_stored(image_ids: Sequence[int]) -> int:
    """Ask stored images again from their facts and write what is derived from them; return how many there were."""
    for start in range(0, len(image_ids), _BATCH):
        columns = ("digest", "facts", "artifact", "problem_code")
        rows = list(Image.objects.filter(pk__in=image_ids[start : start + _BATCH]).only(*columns).order_by("pk"))
        facts = [_stored(row) for row in rows]
        asked = [dump_outline(_ask(row, stored)) for row, stored in zip(rows, facts, strict=True)]
        _link(rows, asked, [_base(stored) for stored in facts])
        update_rows(rows, _ASKED)
    return len(image_ids)


def outline_ids(texts: Iterable[str]) -> Mapping[str, int]:
    """Ids of outlines by their texts; missing ones are made."""
    by_digest = {sha256(text.encode()).hexdigest(): text for text in texts}
    known = _known(by_digest)
    if missing := sorted(by_digest.keys() - known.keys()):
        made = (Outline(digest=digest, text=by_digest[digest]) for digest in missing)
        Outline.objects.bulk_create(made, ignore_conflicts=True)  # somebody else may have made one just now
        known = _known(by_digest)
    return {text: known[digest] for digest, text in by_digest.items()}


def _known(digests: Iterable[str]) -> dict[str, int]:
    return dict(Outline.objects.filter(digest__in=list(digests)).values_list("digest", "pk"))


def _base_ids(names: set[str]) -> Mapping[str, int]:
    """Ids of declared bases by their names; missing ones are made."""
    if not names:
        return {}
    rows = BaseImage.objects.filter(name__in=names).values_list("name", "pk")
    known = dict(rows.all())
    if missing := sorted(names - known.keys()):
        BaseImage.objects.bulk_create((BaseImage(name=name) for name in missing), ignore_conflicts=True)
        known = dict(rows.all())
    return known


def _link(rows: Sequence[Image], texts: Sequence[str], bases: Sequence[str]) -> None:
    ids, base_ids = outline_ids(texts), _base_ids(set(filter(None, bases)))
    for row, text, base in zip(rows, texts, bases, strict=True):
        row.outline_id, row.outline_revision = ids[text], REVISION
        row.base_id = base_ids.get(base)


def _row(image: ImageRead, now: datetime) -> Image:
    row = Image(
        digest=image.digest,
        artifact=printable(image.artifact, longest=200),
        platform=printable(image.platform, longest=100),
        first_seen_at=now,
        config_document=image.config,
        facts_schema=FROM_TOC if image.facts is not None and image.facts.from_toc else FACTS_SCHEMA,
        problem_allowed=allowed_by_limit(image.problem),
        **problem_columns(image.problem),
    )
    if image.facts is not None:
        row.config_digest = image.facts.config_digest
        row.platform = printable(str(image.facts.config.platform), longest=100)
        row.facts = dump_facts(image.facts)
        row.size = image.facts.manifest_size
        row.built_at = image.facts.config.created
    return row


def _base(facts: ImageFacts | None) -> str:
    base = facts.declared_base if facts is not None else None
    return base.name if base is not None else ""


def _stored(row: Image) -> ImageFacts | None:
    """The facts, or ``None`` where there are none this version can read."""
    if row.artifact or row.problem_code or row.facts is None:
        return None
    try:
        return load_facts(bytes(row.facts))
    except UnreadableFacts:
        return None


def _ask(row: Image, facts: ImageFacts | None) -> OutlineValue:
    """Set the columns that repeat the identity; return the answers."""
    derived: dict[str, Any] = {"declared_user": "", "uid": None, "gid": None}
    derived |= {"runs_as": "", "identity": "", "run_key": ""}
    asked = NOT_RUNNABLE if row.artifact else UNREAD
    if facts is not None:
        asked = outline(ask(facts), unconfirmed=facts.from_toc)
        answer = read(facts).answer
        derived |= {"declared_user": printable(facts.config.user), "identity": identity_word(facts)}
        if isinstance(answer, StartError):
            derived["runs_as"] = DOES_NOT_START
        else:
            derived |= {"uid": answer.uid, "gid": answer.gid, "runs_as": f"{answer.uid}:{answer.gid}"}
        derived["run_key"] = run_key(facts.config.user, derived["uid"], derived["gid"], facts.config.entrypoint)
    for name, value in derived.items():
        setattr(row, name, value)
    return asked

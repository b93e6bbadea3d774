"""Write a repository's tags and what happened to them, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from compliance.models import PolicyVersion, Repository, Tag, TagChange
from compliance.models.bulk import update_rows
from compliance.policy.scan_scope import OUT_OF_SCOPE
from compliance.policy.tag_change import Change, Kind, TagState, failing_since, what_happened
from compliance.policy.tag_view import TagView
from compliance.services.known_images import Known
from compliance.services.match_occurrences import Moves, Pointed
from compliance.services.pointed_before import pointed_before, shown_of
from compliance.services.pushed_by import pushed_by
from compliance.services.record_problem import problem_columns
from scanner.domain.problems import ScanProblem
from scanner.domain.verdict import Verdict

_BATCH = 200
_PUSHES = (Kind.CREATED, Kind.MOVED, Kind.RETURNED)
_COLUMNS = (
    *("digest", "image", "index", "verdict", "score", "runs_as", "platforms", "violated", "size", "moved_at"),
    *("judged_at", "judged_by", "deleted_at", "failing_since", "problem_code", "problem_message", "problem_remedy"),
    *("unconfirmed_since", "seen_at"),
)


@dataclass(frozen=True, slots=True)
class TagRead:
    """A tag and what it leads to; with a problem the digest is empty where the registry gave none.

    :param keep: what was known stays, marked as unconfirmed: a passing fault hid what the tag points to, or its layers
        wait. A verdict that was good stays only for the digest it was made of.
    :param seen_at: ``Tag.seen_at``; ``None``: newer than whatever is stored.
    """

    name: str
    digest: str
    problem: ScanProblem | None = None
    keep: bool = False
    seen_at: datetime | None = None


@dataclass(slots=True)
class Written:
    """How many tags show something else now, how many began or stopped to fail, how many of them had passed before.

    :param tags: ids of all whose answers counted; ``moved``: where those that were known pointed to before, also where
        it is the same and more of it was read, and who pushed all of them.
    """

    rows: int = 0
    new: int = 0
    fixed: int = 0
    regressed: int = 0
    tags: Sequence[int] = ()
    moved: Moves = field(default_factory=Moves)


@dataclass(slots=True)
class _Row:
    tag: Tag
    change: Change | None
    is_new: bool
    was: Pointed | None = None


def write_tags(
    repository: Repository,
    tags: Sequence[TagRead],
    known: Known,
    version: PolicyVersion,
    scan_id: int | None,
    *,
    now: datetime,
) -> Written:
    """Make or change the rows that differ, with a ``TagChange`` for each that moved or is judged otherwise.

    The caller holds the repository's row, so that no two of these calls mix. What was asked for before what is stored
    is not written.

    :param known: every image the readable tags lead to, judged under ``version``.
    """
    names = [read.name for read in tags]
    stored = {row.name: row for row in Tag.objects.filter(repository=repository, name__in=names)}
    tags = [read for read in tags if not _is_overtaken(read, stored.get(read.name))]
    rows = [
        row for read in tags if (row := _row(read, stored.get(read.name), known, version, now, repository)) is not None
    ]
    written = {row.tag.name for row in rows}
    _confirm([read for read in tags if read.name not in written], stored)
    Tag.objects.bulk_create((row.tag for row in rows if row.is_new), batch_size=_BATCH)
    update_rows([row.tag for row in rows if not row.is_new], _COLUMNS)
    changes = [(row.tag, row.change) for row in rows if row.change is not None]
    moves = {tag.name: change.to_digest for tag, change in changes if change.kind in _PUSHES}
    pushers = pushed_by(repository, scan_id, moves)
    TagChange.objects.bulk_create(
        (change_row(repository.pk, tag, change, scan_id, now, pushers.get(tag.name)) for tag, change in changes),
        batch_size=_BATCH,
    )
    new, fixed, regressed = (
        sum(getattr(change, name) for _, change in changes) for name in ("new", "fixed", "regressed")
    )
    stored |= {row.tag.name: row.tag for row in rows}
    moved = Moves(pointed_before([row.was for row in rows if row.was is not None]), _one_of(pushers, tags))
    return Written(len(rows), new, fixed, regressed, [stored[read.name].pk for read in tags], moved)


def _one_of(pushers: Mapping[str, str], tags: Sequence[TagRead]) -> str | None:
    """Who pushed all of the tags; a tag that nobody is known to have pushed may be what a finding came with."""
    found = {pushers.get(read.name) for read in tags}
    return found.pop() if len(found) == 1 else None


def show(tag: Tag, view: TagView, version: PolicyVersion, now: datetime) -> None:
    """Copy a view into a tag's columns."""
    tag.verdict, tag.score, tag.runs_as = view.verdict.value, view.score, view.runs_as
    tag.platforms, tag.violated, tag.size = list(view.platforms), list(view.violated), view.size
    tag.problem_code, tag.problem_message, tag.problem_remedy = view.problem or ("", "", "")
    tag.judged_by, tag.judged_at = version, now


def change_row(
    repository_id: int, tag: Tag, change: Change, scan_id: int | None, now: datetime, pusher: str | None = None
) -> TagChange:
    """Make an unsaved row."""
    return TagChange(
        repository_id=repository_id,
        tag=tag,
        kind=change.kind.value,
        at=now,
        from_digest=change.from_digest,
        to_digest=change.to_digest,
        was=change.was.value if change.was else "",
        became=change.became.value if change.became else "",
        scan_id=scan_id,
        pusher=pusher,
    )


def _row(
    read: TagRead, row: Tag | None, known: Known, version: PolicyVersion, now: datetime, repository: Repository
) -> _Row | None:
    """One tag as it should be; ``None`` where nothing differs."""
    if read.keep and row is not None and row.deleted_at is None and not _is_outdated_pass(read, row):
        return _doubted(row, read.problem, now)
    view = _unread(read.problem) if read.problem else known.view(read.digest)
    before = _state(row)
    digest = read.digest or (row.digest if row else "")
    change = what_happened(before, digest, view.verdict)
    if row is not None and change is None and _is_settled(row, version) and not differs(row, view):
        return None
    was = None if row is None else shown_of(row)
    tag = row or Tag(repository=repository, name=read.name, first_seen_at=now, moved_at=now)
    if tag.digest != digest:
        tag.digest, tag.moved_at = digest, now
    _point(tag, read, known)
    tag.deleted_at = tag.unconfirmed_since = None
    tag.failing_since = failing_since(before, view.verdict, now)
    tag.seen_at = read.seen_at or tag.seen_at
    show(tag, view, version, now)
    return _Row(tag, change, row is None, None if was is None else _before(was, tag))


def _before(was: Pointed, tag: Tag) -> Pointed | None:
    """What it takes to say whether a tag ran as somebody else before; ``None`` where it shows what it showed."""
    if (was.image, was.index) != (tag.image_id, tag.index_id):
        return was
    return replace(was, moved=False) if was.unsaid else None


def _is_outdated_pass(read: TagRead, row: Tag) -> bool:
    """Whether the registry said that the tag has moved from what was good: nobody knows whether it still is."""
    moved = bool(read.digest) and read.digest != row.digest
    return moved and row.verdict in (Verdict.PASS, Verdict.NOT_APPLICABLE)


def _is_overtaken(read: TagRead, row: Tag | None) -> bool:
    """Whether somebody asked after us and was faster."""
    return row is not None and row.seen_at is not None and read.seen_at is not None and row.seen_at > read.seen_at


def _confirm(reads: Sequence[TagRead], stored: Mapping[str, Tag]) -> None:
    """Say of rows that stay as they are when the registry was asked last."""
    rows = []
    for read in reads:
        row = stored.get(read.name)
        if row is not None and read.seen_at is not None and not read.keep:
            row.seen_at = read.seen_at
            rows.append(row)
    update_rows(rows, ("seen_at",))


def _is_settled(row: Tag, version: PolicyVersion) -> bool:
    return row.unconfirmed_since is None and row.judged_by_id == version.pk


def _doubted(row: Tag, problem: ScanProblem | None, now: datetime) -> _Row | None:
    columns = problem_columns(problem)
    if row.unconfirmed_since is not None and row.problem_code == columns["problem_code"]:
        return None
    row.unconfirmed_since = row.unconfirmed_since or now
    for name, text in columns.items():
        setattr(row, name, text)
    return _Row(row, None, is_new=False)


def _point(tag: Tag, read: TagRead, known: Known) -> None:
    readable = read.problem is None
    index = known.indexes.get(read.digest) if readable else None
    image = known.images.get(read.digest) if readable and index is None else None
    tag.index_id, tag.image_id = (index.pk if index else None), (image.pk if image else None)


def _state(row: Tag | None) -> TagState | None:
    if row is None:
        return None
    # What was left out of the scope was never gone.
    deleted = row.deleted_at is not None and row.problem_code != OUT_OF_SCOPE
    return TagState(row.digest, Verdict(row.verdict), row.failing_since, deleted)


def _unread(problem: ScanProblem) -> TagView:
    columns = problem_columns(problem)
    told = (columns["problem_code"], columns["problem_message"], columns["problem_remedy"])
    return TagView(Verdict.UNKNOWN, None, "", (), (), 0, told)


def differs(row: Tag, view: TagView) -> bool:
    """Whether a row shows something else than a view, verdicts apart."""
    shown = (row.score, row.runs_as, row.platforms, row.violated, row.problem_code)
    code = view.problem[0] if view.problem else ""
    return shown != (view.score, view.runs_as, list(view.platforms), list(view.violated), code)

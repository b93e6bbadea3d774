"""Go through the tags of one repository, batch after batch, within one worker's turn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from compliance.models import ACTIVE, Finding, Image, IndexImage, Repository, RepositoryScan, StatusChoice, Tag
from compliance.models.clock import database_clock, database_now
from compliance.services.choose_tags import choose_tags
from compliance.services.heavy_layers import BIG_LAYERS
from compliance.services.known_images import Known, known_images
from compliance.services.leave_out import no_platform_in_scope
from compliance.services.read_images import read_images
from compliance.services.record_images import Batch
from compliance.services.record_progress import record_progress
from compliance.services.resolve_tags import Pointer, registry_is_down, resolve_tags, until_limited
from compliance.services.scan_turn import Turn, Unwritten, record, traffic
from compliance.services.write_tags import TagRead
from scanner.domain.problems import ScanProblem
from scanner.domain.reference import Digest, TagName
from scanner.storage import FACTS_SCHEMA

_BATCH = 100
_GROUP = 16
_GONE = ("manifest-unknown", "repository-unknown")

_OLDER = Q(facts_schema__lt=FACTS_SCHEMA)
_OUTDATED = Exists(Image.objects.filter(_OLDER, pk=OuterRef("image"))) | Exists(
    Image.objects.filter(_OLDER, pk__in=IndexImage.objects.filter(index=OuterRef(OuterRef("index"))).values("image"))
)
"""Tags of images that an older release read."""


def scan_tags(turn: Turn) -> None:
    """List, ask, read and write until all tags are done.

    :raises LeaseLost: when another worker has the row.
    :raises TurnIsOver: with work left.
    :raises ScanProblem: what stops the whole repository.
    """
    try:
        _scan(turn)
    except ScanProblem:
        record_progress(turn.row.pk, turn.token, traffic(turn, Batch()))
        raise


def _scan(turn: Turn) -> None:
    named = turn.row.only_tags
    listed_at = database_now()
    listed = set(turn.place.source.tags(turn.place.repository) if named is None else map(TagName, named))
    names = choose_tags(turn.row, listed, now=turn.clock())
    turn.total = len(names)
    start = sum(name <= turn.row.cursor for name in names) if turn.row.cursor else 0
    while start < len(names):
        batch = names[start : start + _BATCH]
        _scan_batch(turn, batch, start)
        start += len(batch)
    if named is None:
        _scan_gone(turn, names, listed, listed_at)


def _scan_batch(turn: Turn, names: Sequence[TagName], done: int) -> None:
    place = turn.place
    found = resolve_tags(place.source, place.repository, names, place.executor, database_clock())
    pointers, limit = until_limited(found)
    stop = limit if not pointers else registry_is_down(pointers)
    if stop is not None:
        raise stop
    names = names[: len(pointers)]
    changed = _changed(turn, pointers)
    unknown = {pointer.tag: pointer.asked_at for pointer in changed if _is_gone(turn, pointer)}
    changed = [pointer for pointer in changed if pointer.tag not in unknown]
    digests = (pointer.resolved.digest for pointer in changed if pointer.resolved)
    known = known_images(digests, turn.version, turn.platforms)
    settled = [pointer for pointer in changed if pointer.resolved is None or known.is_current(pointer.resolved.digest)]
    groups = list(_groups(changed, known, 1 if turn.one_by_one else _GROUP))
    hits = len(pointers) - len(unknown) - len(changed) + sum(pointer.resolved is not None for pointer in settled)
    done += len(pointers) - len(changed) + len(settled)
    cursor = None if groups else names[-1]
    without = [digest for digest, index in known.indexes.items() if not index.children]
    tags = [_tag_read(pointer, _out_of_scope(turn, without)) for pointer in settled]
    gone = _stored(turn, unknown)
    record(turn, Batch(tags=tags, gone=gone, known=hits, cursor=cursor, tags_done=done))
    unwritten = Unwritten()
    for group in groups:
        done += len(group)
        _scan_group(turn, group, known, unwritten, names[-1] if group is groups[-1] else None, done)
    if limit is not None:
        raise limit


def _changed(turn: Turn, pointers: Sequence[Pointer]) -> list[Pointer]:
    """Leave out tags that still point to what was judged under this very policy version: nothing to write."""
    if _is_contested(turn) or _is_claimed(turn):
        return list(pointers)
    # Judging again writes only what it changes, and then says so of the repository; a tag without a version of its own
    # is to be looked at whatever the repository says.
    judged = Q(judged_by=turn.version) | Q(judged_by__isnull=False, repository__judged_by=turn.version)
    rows = (
        Tag.objects.listed()
        .filter(
            judged,
            repository=turn.row.repository_id,
            name__in=[pointer.tag for pointer in pointers],
            problem_code="",
            unconfirmed_since=None,
        )
        .filter(Q(index=None) | Q(index__platforms=turn.platforms))
        .exclude(_OUTDATED)
    )
    stored = dict(rows.values_list("name", "digest"))
    return [
        pointer
        for pointer in pointers
        if pointer.resolved is None or stored.get(pointer.tag) != pointer.resolved.digest
    ]


def _is_contested(turn: Turn) -> bool:
    """Whether somebody else may be about to write what the registry said before it told us.

    Then it has to be stored that we asked later. Those who begin from here on ask later than we did.
    """
    if turn.row.only_tags is not None:
        return True
    others = RepositoryScan.objects.filter(repository=turn.row.repository_id, state__in=ACTIVE)
    return others.exclude(pk=turn.row.pk).exists()


def _is_claimed(turn: Turn) -> bool:
    """Whether somebody says that a finding is fixed: of a tag that did not move, it has to be stored that we asked."""
    return Finding.objects.filter(repository=turn.row.repository_id, status=StatusChoice.FIX_CLAIMED).exists()


def _is_gone(turn: Turn, pointer: Pointer) -> bool:
    """Whether a tag we asked for by name is no longer there; one that the registry lists is there all the same."""
    problem = pointer.problem
    return turn.row.only_tags is not None and problem is not None and problem.code in _GONE


def _stored(turn: Turn, asked: Mapping[TagName, datetime]) -> dict[int, datetime]:
    """Ids of tags that have a row, each with when it was asked for."""
    rows = Tag.objects.listed().filter(repository=turn.row.repository_id, name__in=asked)
    return {pk: asked[TagName(name)] for pk, name in rows.values_list("pk", "name")} if asked else {}


def _groups(pointers: Sequence[Pointer], known: Known, most: int) -> Iterator[list[Pointer]]:
    """Tags that need reading, so many digests at a time that their layer indexes fit in memory."""
    by_digest: dict[str, list[Pointer]] = {}
    for pointer in pointers:
        if pointer.resolved and not known.is_current(pointer.resolved.digest):
            by_digest.setdefault(pointer.resolved.digest, []).append(pointer)
    alike = list(by_digest.values())
    for start in range(0, len(alike), most):
        yield [pointer for same in alike[start : start + most] for pointer in same]


def _scan_group(
    turn: Turn, group: Sequence[Pointer], known: Known, unwritten: Unwritten, cursor: str | None, done: int
) -> None:
    digests = [pointer.resolved.digest for pointer in group if pointer.resolved]
    found = read_images(turn.place, digests, unwritten.digests)
    limited = next((problem for problem in found.problems.values() if problem.code == "rate-limited"), None)
    # What an older release read, or only by a table of contents, goes on to count where the registry does not let us
    # read it again; a tag whose layers are read apart says so, or nobody would queue them.
    problems = {
        digest: problem
        for digest, problem in found.problems.items()
        if problem.code == BIG_LAYERS or not known.has(digest)
    }
    problems |= _out_of_scope(turn, [digest for digest, index in found.indexes.items() if not index.children])
    tags = [_tag_read(pointer, problems) for pointer in group]
    unwritten.add([tag for tag in tags if tag.problem is None or tag.problem.code != "rate-limited"], found)
    if limited is not None or cursor is not None or unwritten.is_due(turn):
        record(turn, unwritten.taken(cursor=None if limited else cursor, tags_done=done))
    if limited is not None:  # what was read is stored; the rest is asked for when the registry lets us
        raise limited


def _scan_gone(turn: Turn, names: Sequence[TagName], listed: set[TagName], listed_at: datetime) -> None:
    """Notice tags that were deleted or left out.

    Every name has a row by now, so equal counts mean that none is left over. Not so after several turns: names that
    were pushed meanwhile may come before the cursor, and have none.
    """
    stored = Repository.objects.values_list("tags_total", flat=True).get(pk=turn.row.repository_id)
    gone: list[int] = []
    outside: list[int] = []
    if turn.row.cursor or stored != len(names):
        wanted = set(names)
        rows = Tag.objects.listed().filter(repository=turn.row.repository_id).values_list("pk", "name")
        for pk, name in rows.iterator():
            if name not in wanted:
                (outside if name in listed else gone).append(pk)
    if gone or outside or turn.place.source.traffic.requests != turn.requests:
        record(turn, Batch(gone=dict.fromkeys(gone, listed_at), outside=outside, tags_done=len(names)))


def _out_of_scope(turn: Turn, digests: Iterable[str]) -> dict[str, ScanProblem]:
    """Of indexes without an image of a platform that is scanned; without such a scope they are just empty."""
    platforms = turn.place.platforms
    return dict.fromkeys(digests, no_platform_in_scope(platforms)) if platforms else {}


def _tag_read(pointer: Pointer, problems: dict[str, ScanProblem] | None = None) -> TagRead:
    if pointer.resolved is None:
        passing = pointer.problem is not None and not pointer.problem.permanent
        return TagRead(pointer.tag, "", pointer.problem, keep=passing, seen_at=pointer.asked_at)
    digest: Digest = pointer.resolved.digest
    problem = (problems or {}).get(digest)
    waits = problem is not None and problem.code == BIG_LAYERS
    return TagRead(pointer.tag, digest, problem, keep=waits, seen_at=pointer.asked_at)

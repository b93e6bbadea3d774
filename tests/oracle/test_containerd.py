"""A real containerd is the oracle for what it does without kubelet: all 115 rows, ids, groups and HOME.

The one at hand may be older than the rules we keep to. Where a number is out of range it may start the image as one of
the identities ``version_notes`` tells; and runc 1.1 looks ids up once more.
"""

from __future__ import annotations

import pytest

from scanner.domain.identity import (
    AccountBytes,
    Identity,
    Runtime,
    StartError,
    process_groups,
    resolve,
    will_not_start,
)
from scanner.domain.runtime_versions import version_notes
from tests.oracle.containerd_answers import ask, load, running_containerd
from tests.oracle.engine_answers import Answer, Refused
from tests.scanner.domain.identity_rows import FILES, ROWS, Row
from tests.support.facts import facts
from tests.support.static_id import Printed

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

Asked = list[tuple[Row, Answer]]
ALSO_BY_RUNC_1_1 = {42: {7}}


@pytest.fixture(scope="module")
def asked() -> Asked:
    with running_containerd() as folder:
        load(folder, list(ROWS))
        return [(row, ask(folder, row)) for row in ROWS]


def test_it_started_most_of_them(asked: Asked) -> None:
    assert sum(not isinstance(answer, Refused) for _, answer in asked) >= 70


def test_no_row_on_which_containerd_and_we_differ(asked: Asked) -> None:
    assert [(row, answer) for row, answer in asked if not agree(row, answer)] == []


def agree(row: Row, theirs: Answer) -> bool:
    ours = resolve(Runtime.CONTAINERD, row.user, AccountBytes(*FILES[row.files])).answer
    if isinstance(theirs, Refused):
        return refuses(ours, theirs)
    if isinstance(ours, StartError):
        notes = version_notes(facts(row.user, *FILES[row.files]))
        return theirs.uid in {note.uid for note in notes if note.component == "containerd"}
    groups = frozenset(process_groups(ours)) | (theirs.groups & ALSO_BY_RUNC_1_1.get(row.number, set()))
    return Printed(ours.uid, ours.gid, groups, ours.home) == theirs


def refuses(ours: Identity | StartError, theirs: Refused) -> bool:
    if isinstance(ours, Identity):
        return will_not_start(ours) is not None and "unable to setup user" in theirs.words
    if ours.message.endswith("out of range"):
        return "no users found" in theirs.words or "no groups found" in theirs.words or ours.message in theirs.words
    # Older versions name the whole path they opened.
    return ours.message.removeprefix("openat ") in theirs.words

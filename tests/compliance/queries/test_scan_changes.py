"""The tags behind a scan's numbers are exactly those that ``compliance.policy.tag_change`` counted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compliance.models import Scan, Tag, TagChange
from compliance.policy.tag_change import TagState, deletion, failing_since, what_happened
from compliance.queries.scan_changes import KINDS, changes_of
from compliance.services.write_tags import change_row
from scanner.domain.verdict import Verdict
from tests.support.rows import NOW, fleet, scan

pytestmark = pytest.mark.django_db

SEEN = st.lists(st.sampled_from([*Verdict, None]), min_size=1, max_size=8)
"""What a tag was judged as, scan after scan; ``None``: it was gone."""


def live(tag: Tag, verdicts: list[Verdict | None]) -> list[tuple[Scan, dict[str, int]]]:
    """Write what scans would, and return what each counted."""
    before: TagState | None = None
    scans = []
    for number, verdict in enumerate(verdicts):
        row = scan(tag.repository.registry)
        at = NOW + timedelta(minutes=number)
        if verdict is None:
            change = deletion(before) if before and not before.deleted else None
            before = TagState(before.digest, before.verdict, before.failing_since, deleted=True) if before else None
        else:
            change = what_happened(before, "sha256:" + "0" * 64, verdict)
            before = TagState("sha256:" + "0" * 64, verdict, failing_since(before, verdict, at))
        if change:
            change_row(tag.repository_id, tag, change, row.pk, at).save()
        scans.append((row, {kind: int(getattr(change, kind, False)) for kind in KINDS}))
    return scans


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SEEN)
def test_exactly_those_that_were_counted(verdicts: list[Verdict | None]) -> None:
    made = Tag.objects.first() or fleet(1).tags[0]
    TagChange.objects.all().delete()
    for row, counted in live(made, verdicts):
        assert {kind: changes_of(row.pk, kind).count() for kind in KINDS} == counted

"""What commands say of scans: the verdicts together are all tags."""

from __future__ import annotations

import re

import pytest

from compliance.management.commands.up import outcome_in_words
from compliance.models import Repository
from compliance.queries.scan_outcome import scan_outcome, verdicts_in_words
from tests.support import rows

pytestmark = pytest.mark.django_db

COUNTS = {"passed": 1, "failed": 2, "unknown": 3, "waived": 4, "not_applicable": 5}


def test_every_verdict_is_counted_and_worded_in_the_order_of_the_product() -> None:
    found = rows.fleet(2)
    Repository.objects.update(**COUNTS)

    outcome = scan_outcome([found.scan.pk])

    words = "2 pass, 4 fail, 6 unknown, 8 waived, 10 not applicable"
    assert verdicts_in_words(outcome) == verdicts_in_words(outcome["scans"][0]) == words
    assert {name: outcome[name] for name in COUNTS} == {name: 2 * count for name, count in COUNTS.items()}


@pytest.mark.django_db(transaction=True)
def test_the_last_line_of_up_adds_up_to_its_tags() -> None:
    found = rows.fleet(1)
    Repository.objects.update(**COUNTS, tags_total=15)
    found.scan.__class__.objects.update(tags_done=15)

    line = outcome_in_words("Harbor", 1.0)

    assert line.endswith("15 tags: 1 pass, 2 fail, 3 unknown, 4 waived, 5 not applicable.")
    tags, *each = re.findall(r"(\d+) (?=tags|pass|fail|unknown|waived|not applicable)", line)
    assert sum(map(int, each)) == int(tags)

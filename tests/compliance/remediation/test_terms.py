"""The one spelling of each filter's value, and what is none."""

from __future__ import annotations

import pytest

from compliance.remediation.terms import (
    DUES,
    FLAGS,
    PAST,
    RULE_IDS,
    SEVERITIES,
    STATUSES,
    Ages,
    ages_of,
    canonical,
    days_of,
    members_of,
    split_repository,
)


@pytest.mark.parametrize(
    ("name", "typed", "read"),
    [
        ("status", " OPEN ", "open"),
        ("status", "fixed,new,new", "new,fixed"),
        ("status", "-fixed,waived", "-waived,fixed"),
        ("status", ",".join(STATUSES), ",".join(STATUSES)),
        ("status", "-" + ",".join(STATUSES), ""),
        ("status", "open,nonsense", ""),
        ("status", "", ""),
        ("status", "-", ""),
        ("severity", "info,Critical", "critical,info"),
        ("rule", "nr103,NR101", "NR101,NR103"),
        ("is", "regression,protected", "protected,regression"),
        ("is", "-protected", ""),
        ("due", "WEEK", "week"),
        ("due", "soon", ""),
        ("age", ">014d", ">14d"),
        ("age", ">0", ">0d"),
        ("age", "<07", "<7d"),
        ("age", "<0d", ""),
        ("age", "08-030d", "8-30d"),
        ("age", "7-7", "7-7d"),
        ("age", "8-7", ""),
        ("age", ">10000", ""),
        ("opened", "030", "30d"),
        ("opened", "1d", "1d"),
        ("opened", "0d", ""),
        ("fixed", "9999", "9999d"),
        ("reopened", "7", "7d"),
        ("reopened", "10000", ""),
        ("team", "a-B_1", "a-B_1"),
        ("team", "t" * 60, "t" * 60),
        ("team", "t" * 61, ""),
        ("team", "a b", ""),
        ("registry", "harbor", "harbor"),
        ("repository", "harbor/team/app", "harbor/team/app"),
        ("repository", "harbor", ""),
        ("repository", "harbor/" + "a" * 255, "harbor/" + "a" * 255),
        ("repository", "harbor/" + "a" * 256, ""),
        ("repository", "harbor/a\x00", ""),
        ("assignee", "kim@example.com", "kim@example.com"),
        ("assignee", "k" * 150, "k" * 150),
        ("assignee", "k" * 151, ""),
        ("platform", "linux/arm64/v8", "linux/arm64/v8"),
        ("platform", "linux arm", ""),
        ("tag", "v1.0_x-y.Z", "v1.0_x-y.Z"),
        ("tag", "t" * 128, "t" * 128),
        ("tag", "t" * 129, ""),
        ("tag", "-x", ""),
        ("tag", "a*", ""),
        ("label", " Web,pci web ", "pci,web"),
        ("label", "we!b", ""),
        ("label", ",".join(map(str, range(21))), ""),
        ("subject", "two words", "two words"),
        ("subject", "s" * 200, "s" * 200),
        ("subject", "s" * 201, ""),
        ("subject", "a\u202eb", ""),
        ("waiver", "123456789", "123456789"),
        ("waiver", "1234567890", ""),
        ("waiver", "01", ""),
        ("id", "30,4,30,100", "4,30,100"),
        ("id", "1,", ""),
        ("id", ",".join(["1"] * 250), "1"),
        ("id", ",".join(["1"] * 251), ""),
        ("id", "9" * 12, "9" * 12),
        ("id", "9" * 13, ""),
        ("nonsense", "open", ""),
    ],
)
def test_the_one_spelling(name: str, typed: str, read: str) -> None:
    assert canonical(name, typed) == read
    assert canonical(name, read) == read


@pytest.mark.parametrize(
    ("value", "ages"),
    [
        (">14d", Ages(15, None)),
        (">0d", Ages(1, None)),
        ("<7d", Ages(0, 6)),
        ("<1d", Ages(0, 0)),
        ("<0d", None),
        ("7-7d", Ages(7, 7)),
        ("0-7d", Ages(0, 7)),
        ("", None),
        ("14d", None),
    ],
)
def test_whole_days(value: str, ages: Ages | None) -> None:
    assert ages_of(value) == ages


def test_what_there_is_to_ask_for() -> None:
    assert (len(STATUSES), len(SEVERITIES), RULE_IDS[0]) == (8, 5, "NR101")
    assert FLAGS == ("protected", "unprotected", "regression", "baseline", "new-since-baseline")
    assert DUES == ("overdue", "week", "none")
    assert PAST == ("opened", "fixed", "reopened")


def test_parts_of_values() -> None:
    assert split_repository("harbor/team/app") == ("harbor", "team/app")
    assert (days_of("30d"), days_of("1d")) == (30, 1)
    assert members_of("-critical,info", SEVERITIES) == ("high", "medium", "low")
    assert members_of("info,critical", SEVERITIES) == ("critical", "info")

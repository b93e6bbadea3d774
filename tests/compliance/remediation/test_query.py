"""The language of the search box: a table of what people type, and that what is written is read back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.queries.finding_filter import FindingFilter, read_filter
from compliance.remediation.query import MOST_WORDS, Query, format_query, parse_query
from compliance.remediation.terms import RULE_IDS, SEVERITIES, STATUSES, TERMS, Ages, ages_of, canonical, members_of
from tests.support.facts import digest

SHA = digest(7)

READ: list[tuple[str, dict[str, str], tuple[str, ...]]] = [
    ("", {}, ()),
    ("checkout", {}, ("checkout",)),
    ("status:open severity:high team:payments is:protected age:>14d -waived", {
        "status": "open", "severity": "high", "team": "payments", "is": "protected", "age": ">14d"}, ()),
    ("-waived", {"status": "-waived"}, ()),
    ("waived", {"status": "waived"}, ()),
    ('"waived"', {}, ("waived",)),
    ("-status:fixed -waived", {"status": "-waived,fixed"}, ()),
    ("status:new status:regressed", {"status": "new,regressed"}, ()),
    ("status:new,open,waived -waived", {"status": "new,open"}, ()),
    ("STATUS:New", {"status": "new"}, ()),
    ("is:overdue", {"due": "overdue"}, ()),
    ("overdue protected", {"due": "overdue", "is": "protected"}, ()),
    ("is:waived", {"status": "waived"}, ()),
    ("-is:protected", {"is": "unprotected"}, ()),
    ("-is:unprotected", {"is": "protected"}, ()),
    ("sev:high", {"severity": "high"}, ()),
    ("Waived", {"status": "waived"}, ()),
    ("is:OVERDUE is:Waived", {"status": "waived", "due": "overdue"}, ()),
    ("is:protected is:regression", {"is": "protected,regression"}, ()),
    ("-waived status:new,waived", {"status": "new"}, ()),
    ("team:a team:a", {"team": "a"}, ()),
    ("a b c d e", {}, ("a", "b", "c", "d", "e")),
    ('""', {}, ()),
    ('-""', {}, ()),
    ('" " " a "', {}, ("a",)),
    ('subject:""', {"subject": '""'}, ()),
    ("x" * 500, {}, ("x" * 500,)),
    ("rule:nr101 -rule:NR502", {"rule": "NR101"}, ()),
    ("repo:harbor/team/app", {"repository": "harbor/team/app"}, ()),
    ("assignee:me", {"assignee": "me"}, ()),
    ("label:PCI", {"label": "pci"}, ()),
    ("base:NONE", {"base": "none"}, ()),
    (f"base:docker.io/alpine:3.18@{SHA}", {"base": "docker.io/library/alpine:3.18"}, ()),
    ('base:"quay.io/a/b:1" x', {"base": "quay.io/a/b:1"}, ("x",)),
    ("label:web label:tier/1 label:web", {"label": "tier/1,web"}, ()),
    ('label:"web pci" label:-x', {"label": "-x,pci,web"}, ()),
    ("age:8-30d age:8-30", {"age": "8-30d"}, ()),
    ('"two words" -severity:low', {"severity": "-low"}, ("two words",)),
    ('unclosed "quote here', {}, ("unclosed", "quote here")),
    ("nul\x00 in\u202e it", {}, ("nul", "in", "it")),
]  # fmt: skip

NOT_READ = [
    ("stauts:open", "“stauts:open”: there is no filter “stauts”. There are status, severity, rule, "),
    ("status:opn", "status is one of new, open"),
    ("status:", "status is one of"), ("severity:huge", "severity is one of critical"), ("rule:NR999", "NR101 to NR503"),
    ("-payments", "“-payments” cannot be left out"), ("-overdue", "“-overdue” cannot be left out"),
    ("due:soon", "due is one of overdue, week, none."), ("opened:x", "opened is written in days: opened:30d."),
    ("is:x", "is is one of protected, unprotected, regression, baseline, new-since-baseline, overdue."),
    ("-x", "cannot be left out: status, severity, rule and is:protected can."),
    ("status:-open", "“status:-open”: status is one of"), ("subject:", "“subject:”: that is no subject"),
    ("-team:payments", "cannot be left out"), ("-is:regression", "cannot be left"),
    ("age:14", "age is written as"), ("age:30-8d", "age is written as"), ("repository:app", "registry/name"),
    ("team:a team:b", "leaves nothing of the team"), ("status:open -open", "leaves nothing of the status"),
    ("a b c d e f", "more than 5 words"), ("x" * 501, "more than 500 characters"), ("is:", "is is one of"),
    ("https://example.com", "there is no filter “https”"), ("id:1,x", "that is no id"),
    ("base:alpine", "“base:alpine”: a declared base is written registry/name:tag, or none."),
    ("-base:none", "“-base:none” cannot be left out"), ("base:a/b base:a/c", "leaves nothing of the base"),
    ("base:a.example/B", "a declared base is written"), ("base:", "a declared base is written"),
    ("waiver:0", "that is no waiver"), ("label:", "a label is 1 to 40 of"),
    ("label:we!b", "“label:we!b”: a label is 1 to 40 of"), ("-label:pci", "“-label:pci” cannot be left out"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "terms", "words"), READ)
def test_what_people_type(text: str, terms: dict[str, str], words: tuple[str, ...]) -> None:
    found = parse_query(text)
    assert found == Query(terms, words)
    assert list(found.terms) == [name for name in TERMS if name in terms]


@pytest.mark.parametrize(("text", "said"), NOT_READ)
def test_what_is_not_understood_is_named(text: str, said: str) -> None:
    assert any(said in problem for problem in parse_query(text).problems), parse_query(text)


def test_what_is_too_long_is_not_read_to_its_end() -> None:
    assert parse_query("x" * 501).words == ("x" * 500,)


def test_so_many_words_are_looked_for() -> None:
    assert parse_query("a b c d e f").words == ("a", "b", "c", "d", "e")


def test_nothing_is_asked_for_by_nothing() -> None:
    assert parse_query("") == Query()


@pytest.mark.parametrize(
    ("terms", "words", "text"),
    [
        ({}, (), ""),
        ({}, ("checkout",), "checkout"),
        ({"team": "payments"}, (), "team:payments"),
        ({"status": "-waived,fixed"}, (), "-status:waived,fixed"),
        ({"subject": "app"}, (), "subject:app"),
        ({"subject": "two words"}, (), 'subject:"two words"'),
        ({"subject": "-x"}, (), 'subject:"-x"'),
        ({"subject": '""'}, (), 'subject:""'),
        ({"status": "new"}, ("a", "b c", "x:y", "-x", "Waived"), 'status:new a "b c" "x:y" "-x" "Waived"'),
    ],
)  # fmt: skip
def test_what_is_written(terms: dict[str, str], words: tuple[str, ...], text: str) -> None:
    assert format_query(Query(terms, words)) == text
    assert parse_query(text) == Query(terms, words)


def lists(allowed: tuple[str, ...]) -> st.SearchStrategy[str]:
    chosen = st.lists(st.sampled_from(allowed), min_size=1, max_size=len(allowed) - 1, unique=True)
    return st.tuples(st.sampled_from(["", "-"]), chosen).map(lambda pair: pair[0] + ",".join(pair[1]))


SLUGS = st.from_regex(r"[a-z][a-z0-9-]{0,10}", fullmatch=True)
VALUES: dict[str, st.SearchStrategy[str]] = {
    "status": lists(STATUSES),
    "severity": lists(SEVERITIES),
    "rule": lists(RULE_IDS),
    "team": SLUGS,
    "repository": st.tuples(SLUGS, SLUGS, SLUGS).map("/".join),
    "registry": SLUGS,
    "label": st.lists(st.from_regex(r"[a-z0-9._/-]{1,40}", fullmatch=True), min_size=1, max_size=20).map(",".join),
    "assignee": st.sampled_from(["me", "nobody", "somebody", "kim@example.com"]),
    "is": st.sampled_from(["protected", "unprotected", "regression", "baseline,new-since-baseline"]),
    "due": st.sampled_from(["overdue", "week", "none"]),
    "age": st.sampled_from([">14d", "<7d", "8-30d"]),
    "base": st.sampled_from(["none", "docker.io/alpine", "quay.io:443/team/base:1.2"]),
    "platform": st.sampled_from(["linux/amd64", "linux/arm64/v8"]),
    "waiver": st.integers(1, 10**8).map(str),
    "id": st.lists(st.integers(1, 10**8), min_size=1, max_size=5).map(lambda ids: ",".join(map(str, ids))),
    "subject": st.sampled_from(["app", "1001:0", '""', "two words", "-x"]),
}
TERMS_OF = st.fixed_dictionaries({}, optional=VALUES).map(
    lambda terms: {name: canonical(name, value) for name, value in terms.items()}
)
WORDS = st.lists(st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), min_size=1, max_size=12).filter(
    lambda word: '"' not in word
), max_size=MOST_WORDS).map(tuple)  # fmt: skip


@given(TERMS_OF, WORDS)
def test_what_is_written_is_read_back(terms: dict[str, str], words: tuple[str, ...]) -> None:
    assert all(terms.values())
    text = format_query(Query(terms, words))
    if len(text) <= 500:
        assert parse_query(text) == Query(terms, words)


@given(TERMS_OF, WORDS)
def test_an_address_is_read_back(terms: dict[str, str], words: tuple[str, ...]) -> None:
    wanted = FindingFilter("mine", terms, words)
    again = read_filter(wanted.pairs)
    assert (again, again.query) == (wanted, wanted.query)


@given(st.text(max_size=600))
def test_no_text_breaks_it(text: str) -> None:
    found = parse_query(text)
    assert len(found.words) <= MOST_WORDS
    assert not found.problems or all(found.problems)


@given(st.dictionaries(st.sampled_from([*VALUES, "q", "tab", "_connector"]), st.text(max_size=80)))
def test_every_address_has_one_canonical_form(params: dict[str, str]) -> None:
    wanted = read_filter(params)
    if not wanted.problems:
        assert read_filter(wanted.pairs) == wanted


@pytest.mark.parametrize(
    ("text", "ages"),
    [(">14d", Ages(15, None)), ("<7d", Ages(0, 6)), ("0-7d", Ages(0, 7)), ("<0d", None), ("9-1d", None), ("٣d", None)],
)
def test_ages_are_whole_days(text: str, ages: Ages | None) -> None:
    assert ages_of(text) == ages


def test_a_list_of_what_is_left_out() -> None:
    assert members_of("-critical,info", SEVERITIES) == ("high", "medium", "low")
    assert members_of("critical,info", SEVERITIES) == ("critical", "info")

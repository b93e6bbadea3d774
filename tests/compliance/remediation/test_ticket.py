"""A finding as Markdown: everything a ticket needs, and no name that leaves its place."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.remediation.ticket import Proof, Ticket, ticket

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
PLAIN = Ticket(
    rule="NR103",
    title="Runs as root under another name",
    severity="critical",
    repository="harbor.example/team/app",
    platform="linux/amd64",
    status="In progress",
    tag_count=3,
    tags=["latest", "1.0"],
    found_at=NOW - timedelta(days=12),
    due_at=NOW - timedelta(days=2),
    url="https://plimsoll.example/findings/7/",
    sentence="The image runs as root.",
    reason="USER `app` is uid 0.",
    proofs=[Proof("/etc/passwd:27", "app:x:0:0::/:/bin/sh"), Proof("/config/User", "")],
    fix="Remove that line.\n\n```dockerfile\nUSER 1001\n```",
    assignee="kim",
)

WRITTEN = """\
## NR103 Runs as root under another name in `harbor.example/team/app`

- **Severity:** critical
- **Platform:** `linux/amd64`
- **Tags:** `latest`, `1.0` and 1 more
- **Found:** 2026-02-26
- **Due:** 2 days overdue (2026-03-08)
- **Status:** In progress, kim
- **Link:** <https://plimsoll.example/findings/7/>

### What is wrong

The image runs as root.

USER `app` is uid 0.

### Evidence

- `/etc/passwd:27`: `app:x:0:0::/:/bin/sh`
- `/config/User`

### What to do

Remove that line.

```dockerfile
USER 1001
```
"""


def test_all_of_it() -> None:
    assert ticket(PLAIN, NOW) == WRITTEN


def test_what_is_not_known_is_left_out() -> None:
    bare = replace(PLAIN, platform="", tags=[], tag_count=0, due_at=None, sentence="", reason="", proofs=[], fix="")
    text = ticket(replace(bare, assignee=""), NOW)
    assert "###" not in text
    assert "Platform" not in text
    assert "- **Tags:** none" in text
    assert "- **Due:** no due date\n" in text
    assert "In progress, assigned to nobody" in text


@pytest.mark.parametrize(
    ("names", "count", "written"),
    [
        (0, 0, "none"),
        (0, 5, "none"),
        (1, 1, "`v0`"),
        (3, 3, "`v0`, `v1`, `v2`"),
        (20, 20, ", ".join(f"`v{at}`" for at in range(20))),
        (25, 1_025, ", ".join(f"`v{at}`" for at in range(20)) + " and 1,005 more"),
    ],
)
def test_some_tags_are_named(names: int, count: int, written: str) -> None:
    text = ticket(replace(PLAIN, tags=[f"v{at}" for at in range(names)], tag_count=count), NOW)
    assert f"- **Tags:** {written}\n" in text


@pytest.mark.parametrize(
    ("sentence", "reason", "written"),
    [
        ("The image runs as root.", "", "The image runs as root."),
        ("", "USER `app` is **uid 0**.", "USER `app` is **uid 0**."),
        ("", "Either:\n\n- one `x`\n- two", "Either:\n\n- one `x`\n- two"),
        ("", "<a> or **#b**", r"\<a\> or **\#b**"),
    ],
)
def test_what_is_wrong_is_said_once(sentence: str, reason: str, written: str) -> None:
    text = ticket(replace(PLAIN, sentence=sentence, reason=reason), NOW)
    assert text.partition("### What is wrong\n\n")[2].partition("\n\n### Evidence")[0] == written


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a`b", "``a`b``"),
        ("`", "`` ` ``"),
        ("``x", "``` ``x ```"),
        ("x`", "`` x` ``"),
        ("a``b`c", "```a``b`c```"),
        (" ", "`   `"),
        ("a\nb", "`a b`"),
        ("", "–"),
        ("<img src=x>", "`<img src=x>`"),
    ],
)
def test_names_stay_in_their_code(name: str, written: str) -> None:
    assert f" in {written}\n" in ticket(replace(PLAIN, repository=name), NOW)


def test_text_is_no_markup() -> None:
    text = ticket(replace(PLAIN, assignee="[a](http://x) *b* <b> @all #1", sentence="# no\nheading"), NOW)
    assert r"\[a\](http://x) \*b\* \<b\> \@all \#1" in text
    assert r"\# no heading" in text
    text = ticket(replace(PLAIN, title="a <b>", severity="*high*", status="`x`"), NOW)
    assert r"## NR103 a \<b\> in `" in text
    assert r"**Severity:** \*high\*" in text
    assert r"**Status:** \`x\`, kim" in text


def test_a_fence_in_a_name_does_not_end_the_code() -> None:
    fix = "Do:\n\n````sh\nrun ```\n# still code\n````"
    assert ticket(replace(PLAIN, fix=fix), NOW).endswith("````sh\nrun ```\n# still code\n````\n")


hostile = st.text(alphabet=st.sampled_from("`*_[]<>#|\\\n\r\t\0 a!@~&-"), max_size=30)


@given(hostile, hostile, hostile)
def test_no_name_makes_a_line_of_its_own(repository: str, tag: str, quote: str) -> None:
    text = ticket(replace(PLAIN, repository=repository, tags=[tag], proofs=[Proof("/x", quote)], assignee=quote), NOW)
    plain = ticket(replace(PLAIN, repository="x", tags=["x"], proofs=[Proof("/x", quote)], assignee="x"), NOW)
    assert text.count("\n") == plain.count("\n")
    for line in text.splitlines():
        without_code = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", line)
        assert not re.search(r"(?<!\\)<(?!https://plimsoll)", without_code)

from __future__ import annotations

import pytest

from scanner.rules.nr501_uid_not_pinned import RULE
from tests.support.answers import answer, evidence, fix
from tests.support.demo.families import ALPINE, DEBIAN
from tests.support.facts import facts


@pytest.mark.parametrize(
    "command",
    [
        "useradd app",
        "useradd -m -s /bin/bash app",
        "useradd -r -g app app",
        "useradd -rm -d /uid app",
        "useradd --create-home --shell /bin/bash app",
        'useradd -c "-u 5" app',
        "adduser app",
        "adduser -D -H app",
        "adduser -S -D -h /srv app",
        "adduser -S -G app app",
        "adduser --system --group app",
        "adduser --disabled-password --gecos '' app",
        "adduser --gecos=x --disabled-password app",
        "addgroup -S app && adduser -S app -G app",
        "groupadd -g 1000 app && useradd -g 1000 app",
    ],
)
def test_violated(command: str) -> None:
    assert answer(RULE, facts("9000", history=[f"RUN /bin/sh -c {command} # buildkit"])) == "violated"


@pytest.mark.parametrize(
    "command",
    [
        "useradd -u 1000 app",
        "useradd -u1000 app",
        "useradd -rmu 1000 app",
        "useradd --uid 1000 app",
        "useradd --uid=1000 app",
        "useradd -m app --uid $UID",
        "useradd -D",
        "useradd -D -s /bin/bash",
        "useradd --help",
        "adduser -D -u 1000 app",
        "adduser --uid 1000 app",
        "adduser app sudo",
        "adduser --group app",
        "adduser",
        "adduser -h",
        "groupadd app",
        "echo useradd app",
        "apt-get install adduser",
        "true # useradd app",
    ],
)
def test_ok(command: str) -> None:
    assert answer(RULE, facts("9000", history=[f"/bin/sh -c {command}"])) == "ok"


def test_not_applicable_without_history() -> None:
    assert answer(RULE, facts("9000")) == "not_applicable"


def test_unknown_where_history_is_too_long() -> None:
    assert answer(RULE, facts("9000", history=["RUN useradd -u 1 " + "x" * 70_000])) == "unknown"


def test_shows_step_and_layer() -> None:
    found = evidence(RULE, facts("9000", history=["ADD x", "RUN |1 A=b /bin/sh -c true && useradd app # buildkit"]))
    assert (found["pointer"], found["declared"], found["layer_number"]) == ("/history/1", "useradd app", 2)


def test_fix_pins_the_uid_the_account_has_now() -> None:
    passwd = DEBIAN.passwd + "web:x:998:997::/:/bin/sh\n"
    advice = fix(RULE, facts("web", passwd, history=["RUN useradd -r web"]))
    assert "RUN groupadd --gid 997 web \\\n && useradd --uid 998 --gid 997" in advice


def test_fix_in_the_words_of_alpine() -> None:
    passwd = ALPINE.passwd + "web:x:100:101::/:/bin/sh\n"
    advice = fix(RULE, facts("web", passwd, history=["RUN adduser -S web"]))
    assert "RUN addgroup -g 101 web && adduser -D -H -u 100 -G web web" in advice


def test_fix_where_the_name_is_a_variable() -> None:
    assert "useradd --uid 10001" in fix(RULE, facts("9000", DEBIAN.passwd, history=["RUN useradd $NAME"]))


def test_many_stay_readable_and_safe() -> None:
    finding = RULE.check(facts("9000", history=["RUN useradd '\x1b`x`'"] * 100), None)
    assert "and 99 more" in str(finding.reason)
    assert len(finding.evidence) == 20
    assert "\x1b" not in f"{finding.reason}{finding.fix}{finding.evidence}"


def test_never_decides() -> None:
    assert not RULE.decides

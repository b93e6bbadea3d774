from __future__ import annotations

import pytest

from scanner.rules.nr502_recursive_chmod import RULE
from tests.support.answers import answer, evidence, fix
from tests.support.facts import facts


@pytest.mark.parametrize(
    "command",
    [
        "chmod -R 777 /srv",
        "chmod 0777 -R /srv",
        "chmod -Rv 666 /srv",
        "chmod -vR 1777 /srv",
        "chmod --recursive a+w /srv",
        "chmod -R o+w /srv",
        "chmod -R ugo+rwX /srv",
        "chmod -R u=rwx,g=rx,o=rwx /srv",
        "chmod -R a=rwX /srv",
        "chmod -R o=u /srv",
        "chmod -R u+x,a+rw /srv",
        "find /srv -type d -exec chmod 777 {} +",
        "find /srv -exec /bin/chmod a+w {} \\;",
        "mkdir /srv && sudo chmod -R 777 /srv",
    ],
)
def test_violated(command: str) -> None:
    assert answer(RULE, facts("9000", history=[f"RUN /bin/sh -c {command} # buildkit"])) == "violated"


@pytest.mark.parametrize(
    "command",
    [
        "chmod -R 775 /srv",
        "chmod -R g=u /srv",
        "chmod -R +w /srv",
        "chmod -R a-w /srv",
        "chmod -R o-w,a+rX /srv",
        "chmod -R ug+w /srv",
        "chmod 777 /srv",
        "chmod a+w /srv",
        "chmod -R --reference=/tmp /srv",
        "find /srv -exec chmod 755 {} +",
        "find /srv -exec",
        "chmod -R",
        "chmod -R 778 /srv",
        "echo chmod -R 777 /srv",
    ],
)
def test_ok(command: str) -> None:
    assert answer(RULE, facts("9000", history=[f"/bin/sh -c {command}"])) == "ok"


def test_not_applicable_without_history() -> None:
    assert answer(RULE, facts("9000")) == "not_applicable"


def test_unknown_where_history_is_too_long() -> None:
    assert answer(RULE, facts("9000", history=["RUN chmod -R 755 " + "x" * 70_000])) == "unknown"


def test_shows_the_command() -> None:
    found = evidence(RULE, facts("9000", history=["RUN /bin/sh -c a && chmod -R 777 /srv # buildkit"]))
    assert (found["declared"], found["layer_number"]) == ("chmod -R 777 /srv", 1)


def test_fix_for_these_folders_only() -> None:
    advice = fix(RULE, facts("9000", history=["FROM x", "RUN chmod -R 777 /srv/data '/a b' $HOME"]))
    assert "RUN chgrp -R 0 /srv/data && chmod -R g=u,o-w /srv/data\n" in advice
    assert "$HOME" not in advice.partition("```dockerfile")[2]


def test_never_decides() -> None:
    assert not RULE.decides


@pytest.mark.parametrize(
    "command",
    [
        "chmod -R 1777 /tmp",
        "chmod -R 777 /tmp/.",
        "chmod -R 777 /var/tmp/",
        "chmod -R a+rwXt /srv/spool",
        "chmod -R 777 /srv/spool && chmod -R 1777 /srv/spool",
    ],
)
def test_no_lines_for_folders_everybody_shares(command: str) -> None:
    advice = fix(RULE, facts("9000", history=[f"RUN {command}"]))
    assert "```" not in advice
    assert "the sticky bit and no `-R`" in advice


def test_lines_for_the_others_only() -> None:
    advice = fix(RULE, facts("9000", history=["RUN chmod -R 777 /tmp /srv/data"]))
    assert "RUN chgrp -R 0 /srv/data && chmod -R g=u,o-w /srv/data\n" in advice
    assert "RUN chgrp -R 0 /tmp" not in advice
    assert "`/tmp`: what everybody shares" in advice


def test_no_lines_for_the_program_that_find_runs() -> None:
    assert "```" not in fix(RULE, facts("9000", history=["RUN find /srv -exec /bin/chmod a+w {} +"]))

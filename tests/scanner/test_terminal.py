from __future__ import annotations

import io

import pytest

from scanner.domain.facts import ImageFacts
from scanner.domain.problems import Unavailable
from scanner.judge import judge, not_applicable_judgement, unknown_judgement
from scanner.policies import KUBERNETES
from scanner.report import JudgedImage, failed_report, inspect_report
from scanner.terminal import render
from tests.support.facts import digest, facts, remapped

PROBLEM = Unavailable("timeout", "No answer in 15 s.", remedy="Try again.")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(*images: JudgedImage, stream: io.StringIO | None = None) -> str:
    stream = stream or io.StringIO()
    render(inspect_report("registry.example/app:1", digest(9), "kubernetes", images), stream)
    return stream.getvalue()


def judged(image: ImageFacts) -> JudgedImage:
    return JudgedImage("linux/amd64", image.digest, judge(image, KUBERNETES), image)


def test_piped_text_is_plain_and_unbroken() -> None:
    text = shown(judged(remapped()))
    assert "\x1b" not in text
    assert f"layer 3 {digest(102)}  /bin/sh -c sed -i -e 's/1001/0/g' /etc/passwd" in text


def test_both_lines_of_a_remapped_account() -> None:
    lines = [line.strip() for line in shown(judged(remapped())).splitlines()]
    assert "/etc/passwd:2  - app:x:1001:1001::/home/app:/bin/sh" in lines
    assert "/etc/passwd:2  + app:x:0:0::/home/app:/bin/sh" in lines


def test_a_terminal_gets_color_unless_told_not_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[1;31m" in shown(judged(facts("")), stream=Terminal())
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[1;31m" not in shown(judged(facts("")), stream=Terminal())


def test_names_are_never_markup_or_escapes() -> None:
    text = shown(judged(facts("[red]\x1b[31mapp[/red]")))
    assert r"[red]\x1b[31mapp[/red]" in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (judged(facts("10001:10001")), ["pass", "uid 10001  gid 10001", "uid 10001  gid 0"]),
        (judged(facts("nosuch")), ["NR104", "does not start", "Could not tell"]),
        (JudgedImage("", digest(3), unknown_judgement(PROBLEM), problem=PROBLEM), ["unknown", "timeout", "Try again."]),
        (
            JudgedImage("", digest(3), not_applicable_judgement("Helm chart"), artifact="Helm chart"),
            ["not applicable", "Helm chart"],
        ),
    ],
    ids=["pass", "unknown user", "problem", "artifact"],
)
def test_says(image: JudgedImage, words: list[str]) -> None:
    text = shown(image)
    for word in words:
        assert word in text


def test_what_could_not_be_inspected() -> None:
    stream = io.StringIO()
    render(failed_report("registry.example/app:1", "kubernetes", PROBLEM), stream)
    assert "UNKNOWN" in stream.getvalue()
    assert "timeout: No answer in 15 s." in stream.getvalue()

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from scanner.domain.build_commands import commands, commands_naming, declared_user, step_evidence, steps
from scanner.domain.image_config import HistoryEntry
from tests.support.facts import facts


@pytest.mark.parametrize(
    "created_by",
    [
        "/bin/sh -c useradd -m app",
        "|2 A=x B=y z /bin/sh -c useradd -m app",
        "RUN /bin/sh -c useradd -m app # buildkit",
        "RUN |1 A=b c /bin/sh -c useradd -m app # buildkit",
        "RUN /bin/bash -o pipefail -c useradd -m app # buildkit",
        "RUN /usr/bin/bash -eux -o pipefail -c useradd -m app # buildkit",
        "RUN /bin/ash -eo pipefail -c useradd -m app # buildkit",
        "RUN useradd -m app # buildkit",
        "RUN |1 A=b useradd -m app # buildkit",
        "RUN --mount=type=cache,target=/x useradd -m app",
        "useradd -m app",
        "RUN /bin/sh -c    useradd   \\\n  -m app # buildkit",
        "RUN /bin/sh -c <<EOF\nuseradd -m app\nEOF\n # buildkit",
        "RUN /bin/sh -c useradd -m app\n # buildkit",
        "RUN /bin/sh -c bash -ex <<'END'\nuseradd -m app\nEND",
        "RUN /bin/sh -c bash -ec 'useradd -m app'",
        """RUN sh -c "useradd -m \\"app\\"" """,
        "RUN /bin/sh -c A=b B='c d' /usr/sbin/useradd -m 'a'pp",
        "RUN /bin/sh -c sudo -E useradd -m app",
        "RUN /bin/sh -c env -i A=b useradd -m app > /dev/null 2>&1",
        "RUN /bin/sh -c (useradd -m app)",
        "RUN /bin/sh -c { useradd -m app; }",
        "RUN /bin/sh -c if true\nthen useradd -m app\nfi",
        "RUN /bin/sh -c ! useradd -m app # not here: useradd other",
        "RUN /bin/sh -c 2>/dev/null useradd -m app",
    ],
)
def test_finds_the_command(created_by: str) -> None:
    assert [words for words in commands(created_by) if words[0] == "useradd"] == [("useradd", "-m", "app")]


@pytest.mark.parametrize(
    "created_by",
    [
        "/bin/sh -c #(nop)  CMD [useradd app]",
        "CMD useradd app",
        "ENV X=useradd app",
        "LABEL x=;useradd app",
        "COPY useradd app # buildkit",
        "RUN /bin/sh -c echo useradd app",
        "RUN /bin/sh -c echo 'x; useradd app'",
        "RUN /bin/sh -c cat <<EOF > x\nuseradd app\nEOF\n",
        "RUN /bin/sh -c cat <<-'E F' > x\n\tuseradd app\n\tE F\ntrue",
        "RUN /bin/sh -c echo # useradd app",
        "RUN /bin/sh -c echo \\; useradd app",
        'RUN /bin/sh -c echo "; useradd app',
        "",
        "RUN",
    ],
)
def test_finds_no_command_where_none_runs(created_by: str) -> None:
    assert [words for words in commands(created_by) if words[0] == "useradd"] == []


def test_separates_commands() -> None:
    assert commands("/bin/sh -c set -eux; a 1 && b 2 || c | d & e\nf `g` $(h x)") == (
        ("set", "-eux"),
        ("a", "1"),
        ("b", "2"),
        ("c",),
        ("d",),
        ("e",),
        ("f",),
        ("g",),
        ("$",),
        ("h", "x"),
    )


def test_what_find_and_xargs_run() -> None:
    found = commands("RUN find /x -type f -exec chmod 777 {} \\; && ls | xargs -n 1 chmod a+w")
    assert ("find -exec", "chmod", "777", "{}", ";") in found
    assert ("chmod", "a+w") in found


def test_goes_on_behind_a_heredoc() -> None:
    found = commands("RUN /bin/sh -c cat <<A <<B > x\na\nA\nb\nB\nuseradd app")
    assert found == (("cat",), ("useradd", "app"))


@pytest.mark.parametrize(
    ("created_by", "user"),
    [
        ("USER app", "app"),
        ("USER 1001:0 # buildkit", "1001:0"),
        ("/bin/sh -c #(nop)  USER app", "app"),
        ("/bin/sh -c #(nop) USER [nginx]", "nginx"),
        ("USER  a b ", "a b"),
        ("USERS app", None),
        ("RUN USER app", None),
        ("/bin/sh -c USER app", None),
        ("USER", None),
    ],
)
def test_declared_user(created_by: str, user: str | None) -> None:
    assert declared_user(created_by) == user


def test_steps_know_their_layers() -> None:
    image = facts("", history=["ADD a", "RUN b"])
    history = (image.config.history[0], HistoryEntry("ENV", None, "", empty_layer=True), image.config.history[1])
    image = replace(image, config=replace(image.config, history=history))
    assert [step.layer.position if step.layer else None for step in steps(image)] == [0, None, 1]
    found = step_evidence(image, list(steps(image))[2], "b\x1b")
    assert (found["pointer"], found["declared"], found["layer_number"]) == ("/history/2", "b\\x1b", 2)


def test_steps_are_not_attributed_where_history_and_layers_differ_in_number() -> None:
    image = facts("", history=["ADD a", "RUN b"])
    image = replace(image, layers=image.layers[:1])
    assert [step.layer for step in steps(image)] == [None, None]


def test_reads_only_steps_that_name_it() -> None:
    found, complete = commands_naming(facts("", history=["RUN a", "RUN useradd app"]), "useradd", "adduser")
    assert ([(step.position, words) for step, words in found], complete) == ([(1, ("useradd", "app"))], True)


@pytest.mark.parametrize("history", [["RUN useradd " + "x" * 70_000], ["RUN useradd " + "x" * 60_000] * 5])
def test_says_when_it_did_not_read_all(history: list[str]) -> None:
    assert commands_naming(facts("", history=history), "useradd")[1] is False


@pytest.mark.parametrize(
    "text",
    [
        "/" * 60_000,
        "|1 " + "/" * 60_000,
        "|1 " + "sh -" * 15_000,
        " " * 60_000 + "x",
        "'\"" * 30_000,
        '"\\"' * 20_000,
        "<<A " * 15_000 + "\n",
        "$(" * 30_000,
        "sh -c '" * 8_000,
        "<<A\n" * 15_000,
        "\\" * 60_000,
        "find -exec " * 5_000,
        "sudo " * 12_000,
    ],
)
def test_hostile_text_takes_bounded_time(text: str) -> None:
    for given in (f"RUN {text}", text):
        started = time.thread_time()
        commands(given)
        assert time.thread_time() - started < 1

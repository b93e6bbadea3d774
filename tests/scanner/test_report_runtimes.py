"""Identities and derivations of every runtime, as reports and pages get them."""

from __future__ import annotations

import pytest

from scanner.domain.identity import RUNNERS, Runtime
from scanner.report import derivation, identities
from tests.support.facts import P0, P0_GROUP, facts


def test_those_that_start_containers_in_their_order() -> None:
    names = ["docker", "docker-legacy", "containerd", "crio", "podman", "kubernetes"]
    assert list(identities(facts())) == [runtime.value for runtime in RUNNERS] == names


def test_one_user_six_answers() -> None:
    found = identities(facts("9999:777", P0, P0_GROUP, working_dir="/work"))
    assert {name: (answer["gid"], answer["home"]) for name, answer in found.items()} == {
        "docker": (777, "/"),
        "docker-legacy": (777, "/"),
        "containerd": (777, "/"),
        "crio": (0, "/work"),
        "podman": (777, "/work"),
        "kubernetes": (0, "/"),
    }


@pytest.mark.parametrize("runtime", Runtime)
@pytest.mark.parametrize("user", ["", "app", "app:", "1000:33", "9999", "nosuch", "\x1b[31m"])
def test_every_runtime_has_a_derivation(runtime: Runtime, user: str) -> None:
    steps = derivation(facts(user, P0, P0_GROUP), runtime)
    assert len(steps) > 1
    assert not any("\x1b" in str(value) for step in steps for value in step.values())


@pytest.mark.parametrize("runtime", Runtime)
def test_a_derivation_names_the_layer_of_a_line(runtime: Runtime) -> None:
    steps = derivation(facts("app"), runtime)
    decided = next(step for step in steps if "path" in step)
    assert (decided["path"], decided["line"], decided["layer_number"]) == ("/etc/passwd", 2, 1)

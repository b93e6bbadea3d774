"""What two images say otherwise."""

from __future__ import annotations

from dataclasses import replace

import pytest

from compliance.queries.image_differences import MOST_SHOWN, Differences, compare_images
from compliance.queries.rulings import Ruling, rulings
from scanner.domain.facts import ImageFacts
from scanner.domain.image_config import HistoryEntry
from scanner.domain.policy import Policy
from scanner.domain.verdict import Severity
from scanner.judge import judge
from scanner.report import dump_results
from tests.support.facts import APP, APP_GROUP, ROOT_LINE, digest, facts, remapped

SAID = Policy("p", "P", fails_at=Severity.HIGH)
BEFORE = facts(
    "app",
    versions=[ROOT_LINE, APP],
    group=APP_GROUP,
    history=["/bin/sh -c #(nop) ADD file:1 in / ", "/bin/sh -c useradd --uid 1001 app"],
)


def judged(found: ImageFacts) -> tuple[Ruling, ...]:
    """What the rules say of an image."""
    return rulings(dump_results(judge(found, SAID)))


def compared(was: ImageFacts, became: ImageFacts) -> Differences:
    """The second against the first, both judged."""
    return compare_images(was, became, judged(was), judged(became))


def with_config(found: ImageFacts, **changed: object) -> ImageFacts:
    """The same with something else in its config."""
    return replace(found, config=replace(found.config, **changed))  # type: ignore[arg-type]  # names from the tests


def test_an_image_does_not_differ_from_itself() -> None:
    found = compared(BEFORE, BEFORE)
    assert not any(row.changed for row in found.identity)
    assert (found.answers, found.config, found.rules, found.cause.text) == ((), (), (), "")
    assert (found.layers.same, found.layers.same_layers, found.layers.was, found.layers.became) == (2, 2, (), ())


def test_an_account_made_root_by_a_later_layer() -> None:
    found = compared(BEFORE, remapped())
    changed = {row.what: (row.was, row.became) for row in found.identity if row.changed}
    assert changed["Runs as"] == ("uid 1001, gid 1001", "uid 0, gid 0")
    assert set(changed) == {"Runs as", "Resolved by", "Home"}
    assert found.cause.text == "The same USER is resolved by another line of /etc/passwd."
    assert found.cause.step is not None
    assert (found.cause.step.number, "sed -i" in found.cause.step.created_by) == (3, True)
    assert (found.layers.same, found.layers.same_layers, found.layers.was) == (2, 2, ())
    assert [row.number for row in found.layers.became] == [3]
    worse = {row.rule for row in found.rules if row.worse}
    assert "NR103" in worse
    assert found.rules[0].worse
    assert found.rules[0].decides


def test_the_other_way_round_worse_is_better() -> None:
    found, turned = compared(BEFORE, remapped()), compared(remapped(), BEFORE)
    assert {row.rule: row.worse for row in found.rules} == {row.rule: not row.worse for row in turned.rules}
    assert "NR108" not in {row.rule for row in found.rules}  # fine for the one, and no question for the other
    assert [row.number for row in turned.layers.was] == [3]


def test_what_can_no_longer_be_proved_is_no_improvement() -> None:
    violated = next(ruling for ruling in judged(remapped()) if ruling.outcome == "violated")
    outcomes = ("ok", "unknown", "violated")
    sides = {outcome: (replace(violated, outcome=outcome),) for outcome in outcomes}
    found = {
        (was, became): (row.worse, row.better)
        for was in outcomes
        for became in outcomes
        for row in compare_images(BEFORE, remapped(), sides[was], sides[became]).rules
    }
    assert found == {
        ("ok", "unknown"): (True, False),
        ("ok", "violated"): (True, False),
        ("unknown", "ok"): (False, True),
        ("unknown", "violated"): (True, False),
        ("violated", "ok"): (False, True),
        ("violated", "unknown"): (False, False),
    }


def test_another_user_names_the_step_that_set_it() -> None:
    steps = (*BEFORE.config.history, HistoryEntry("USER 1001", None, "", empty_layer=True))
    found = compared(with_config(BEFORE, user=""), with_config(BEFORE, user="1001", history=steps))
    assert found.cause.text == "The config asks for another user: no USER became USER 1001."
    assert found.cause.step is not None
    assert found.cause.step.created_by == "USER 1001"
    assert [row.created_by for row in found.layers.became] == ["USER 1001"]


def test_an_identity_that_changes_without_user_or_line() -> None:
    other = replace(BEFORE, group=facts("app", group=APP_GROUP + "wheel:x:10:app\n").group)
    found = compared(BEFORE, other)
    assert {row.what for row in found.identity if row.changed} == {"Groups"}
    assert found.cause.text == ""


def test_an_image_that_does_not_start() -> None:
    found = compared(BEFORE, with_config(BEFORE, user="nobody-here"))
    assert found.identity[0].became.startswith("does not start: ")
    assert {"docker run", "containerd"} <= {row.what for row in found.answers}


def test_a_runtime_is_named_only_where_it_differs_from_docker() -> None:
    assert not {row.what for row in compared(BEFORE, remapped()).answers} & {"containerd", "Podman"}
    found = compared(BEFORE, with_config(BEFORE, user="4242424242"))
    assert {"Podman", "containerd"} <= {row.what for row in found.answers}


@pytest.mark.parametrize(
    ("was", "became", "expected"),
    [
        ({"env": ("A=1",)}, {"env": ("A=2",)}, ("Environment A", "1", "2")),
        ({"env": ()}, {"env": ("A=",)}, ("Environment A", "", "empty")),
        ({"env": ("A=1", "A=2")}, {"env": ("A=1",)}, ("Environment A", "2", "1")),
        ({"env": ("A",)}, {}, ("Environment A", "empty", "")),
        ({"env": ("A=\x1b[0m",)}, {"env": ("A=" + "x" * 400,)}, None),
        ({"labels": (("v", "x" * 400),)}, {"labels": (("v", "x" * 401),)}, None),
        ({"exposed_ports": ("80/tcp",)}, {}, ("Port 80/tcp", "open", "")),
        ({"volumes": ()}, {"volumes": ("/data",)}, ("Volume /data", "", "there")),
        ({"labels": (("v", "1"),)}, {"labels": (("v", "2"),)}, ("Label v", "1", "2")),
        ({"entrypoint": ("/a", "b")}, {"entrypoint": None}, ("Entrypoint", '["/a", "b"]', "")),
        ({"cmd": None}, {"cmd": ("x",)}, ("Command", "", '["x"]')),
        ({"cmd": ("a b",)}, {"cmd": ("a", "b")}, ("Command", '["a b"]', '["a", "b"]')),
        ({"working_dir": ""}, {"working_dir": "/srv"}, ("Works in", "/", "/srv")),
    ],
)
def test_the_config(
    was: dict[str, object], became: dict[str, object], expected: tuple[str, str, str] | None
) -> None:  # fmt: skip
    found = compared(with_config(BEFORE, **was), with_config(BEFORE, **became)).config
    assert len(found) == 1
    assert found[0].changed
    assert found[0].was.isprintable()
    if expected:
        assert (found[0].what, found[0].was, found[0].became) == expected


def test_what_says_the_same_in_another_order_is_the_same() -> None:
    one, other = with_config(BEFORE, env=("A=1", "B=2")), with_config(BEFORE, env=("B=2", "A=1"))
    assert compared(one, other).config == ()


def test_of_many_differences_the_first_are_shown_and_the_rest_counted() -> None:
    found = compared(BEFORE, with_config(BEFORE, env=tuple(f"V{at}=1" for at in range(MOST_SHOWN + 7))))
    assert (len(found.config), found.config_more) == (MOST_SHOWN, 7)


def test_a_layer_compressed_in_another_way_is_the_same_layer() -> None:
    first = replace(BEFORE.layers[0], digest=digest(777))
    assert compared(BEFORE, replace(BEFORE, layers=(first, *BEFORE.layers[1:]))).layers.became == ()


def test_layers_without_a_history_are_compared_by_what_they_hold() -> None:
    bare = with_config(BEFORE, history=())
    found = compared(bare, replace(bare, layers=bare.layers[:1]))
    assert (found.layers.same, [row.number for row in found.layers.was], found.layers.became) == (1, [2], ())


def test_images_without_a_common_base_share_no_step() -> None:
    other = replace(BEFORE.layers[0], diff_id=digest(778))
    found = compared(BEFORE, replace(BEFORE, layers=(other, *BEFORE.layers[1:]))).layers
    assert (found.same, len(found.was), len(found.became)) == (0, 2, 2)


def test_rules_that_both_violate_are_named() -> None:
    assert "NR103" in compared(remapped(), with_config(remapped(), env=("A=1",))).kept

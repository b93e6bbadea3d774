"""Labels that people give: what is one, and what a change leaves."""

from __future__ import annotations

import pytest

from compliance.policy.labels import GRAMMAR, InvalidLabel, Relabel, parse_label, parse_labels


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("pci", "pci"),
        (" PCI-DSS ", "pci-dss"),
        ("tier/1.0_b", "tier/1.0_b"),
        ("-", "-"),
        ("7", "7"),
        ("a" * 40, "a" * 40),
    ],
)
def test_a_label(typed: str, read: str) -> None:
    assert parse_label(typed) == read


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", GRAMMAR),
        ("  ", GRAMMAR),
        ("a" * 41, f"“{'a' * 41}” is no label. {GRAMMAR}"),
        ("two words", "“two words” is no label."),
        ("a,b", "“a,b” is no label."),
        ("café", "“café” is no label."),
        ("\N{KELVIN SIGN}8s\x00", "\N{REPLACEMENT CHARACTER}” is no label."),
        ("<b>", "“<b>” is no label."),
        ("x" * 9_000, f"“{'x' * 59}…” is no label."),
    ],
)
def test_no_label(typed: str, said: str) -> None:
    with pytest.raises(InvalidLabel) as refused:
        parse_label(typed)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("", ()),
        (" , ", ()),
        ("pci", ("pci",)),
        ("web, PCI\npci\tweb ,a", ("a", "pci", "web")),
        (" ".join(f"l{at:02}" for at in range(20)), tuple(f"l{at:02}" for at in range(20))),
    ],
)
def test_labels(typed: str, read: tuple[str, ...]) -> None:
    assert parse_labels(typed) == read


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("pci we!b", "“we!b” is no label."),
        (" ".join(map(str, range(21))), "A repository has up to 20 labels; these are 21."),
    ],
)
def test_no_labels(typed: str, said: str) -> None:
    with pytest.raises(InvalidLabel, match=said):
        parse_labels(typed)


@pytest.mark.parametrize(
    ("add", "remove", "before", "after"),
    [
        ("", "", ("b", "a"), ("a", "b")),
        ("c", "", ("a", "b"), ("a", "b", "c")),
        ("a", "", ("a", "b"), ("a", "b")),
        ("", "a", ("a", "b"), ("b",)),
        ("", "c", ("a", "b"), ("a", "b")),
        ("c", "a", ("a", "b"), ("b", "c")),
    ],
)
def test_a_change(add: str, remove: str, before: tuple[str, ...], after: tuple[str, ...]) -> None:
    change = Relabel(frozenset(add), frozenset(remove))
    assert change.of(before) == after
    assert change.undone == Relabel(frozenset(remove), frozenset(add))

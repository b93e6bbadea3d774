"""The options of ``whatif`` as a start; numbers and combinations that are refused."""

from __future__ import annotations

import argparse
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.__main__ import main
from scanner.domain.start import Start, StartedBy, UserNamespace
from scanner.start_options import WrongStart, add_start_options, start_of

K8S, CRIO = StartedBy.KUBERNETES, StartedBy.CRIO


def start(*arguments: str) -> Start:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_start_options(parser)
    return start_of(parser.parse_args(arguments))


CASES: list[tuple[list[str], Start]] = [
    ([], Start()),
    (["--user", "3000:0"], Start(user="3000:0")),
    (["--user", " 3000"], Start(user=" 3000")),
    (["--runtime", "podman", "--user", "app"], Start(StartedBy.PODMAN, user="app")),
    (["--run-as-user", "0"], Start(K8S, run_as_user=0)),
    (["--run-as-user", "007"], Start(K8S, run_as_user=7)),
    (["--run-as-group", "5", "--fs-group", "6"], Start(K8S, run_as_group=5, fs_group=6)),
    (["--run-as-non-root"], Start(K8S, run_as_non_root=True)),
    (["--strict-groups"], Start(K8S, merge_groups=False)),
    (["--supplemental-groups", "1,2"], Start(supplemental_groups=(1, 2))),
    (["--runtime", "kubernetes", "--user", "3000:5"], Start(K8S, run_as_user=3000, run_as_group=5)),
    (["--openshift-range", "1000650000/10000"], Start(CRIO, openshift_range=(1_000_650_000, 1_000_659_999))),
    (["--openshift-range", "5/1", "--user", "5"], Start(user="5", openshift_range=(5, 5))),
    (
        ["--openshift-range", "5/1", "--user", "5", "--runtime", "crio"],
        Start(CRIO, openshift_range=(5, 5), run_as_user=5),
    ),
    (["--userns", "100000"], Start(user_namespace=UserNamespace(100_000))),
    (["--userns", "100000/1"], Start(user_namespace=UserNamespace(100_000, 1))),
    (["--drop-caps", "--no-new-privileges"], Start(drop_capabilities=True, no_new_privileges=True)),
]


@pytest.mark.parametrize(("arguments", "expected"), CASES)
def test_a_start(arguments: list[str], expected: Start) -> None:
    assert start(*arguments) == expected


CONTRADICTIONS = [
    ["--runtime", "docker", "--run-as-user", "5"],
    ["--runtime", "podman", "--openshift-range", "1000/10"],
    ["--runtime", "kubernetes", "--openshift-range", "1000/10"],
    ["--runtime", "kubernetes", "--user", "app"],
    ["--runtime", "kubernetes", "--user", "3000:www"],
    ["--runtime", "kubernetes", "--user", "+3000"],
    ["--run-as-user", "5", "--user", "5"],
]


@pytest.mark.parametrize("arguments", CONTRADICTIONS)
def test_contradictions(arguments: list[str]) -> None:
    with pytest.raises(WrongStart):
        start(*arguments)


NO_NUMBERS = ["", " 5", "5 ", "+5", "-5", "1_000", "0x5", "１０", "٣", "1e3", "5\n", "9" * 20]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_numbers_are_ascii_digits(text: str) -> None:
    for option in ("run-as-user", "fs-group", "supplemental-groups", "userns"):
        with pytest.raises(argparse.ArgumentError):
            start(f"--{option}={text}")


@given(st.text(max_size=6))
def test_whatever_is_not_digits_is_no_number(text: str) -> None:
    digits = bool(text) and set(text) <= set(string.digits)
    try:
        found = start(f"--run-as-user={text}").run_as_user
    except argparse.ArgumentError:
        assert not digits
    else:
        assert digits
        assert found == int(text)


@pytest.mark.parametrize(
    "option",
    [
        "openshift-range=1000",
        "openshift-range=1000/0",
        "openshift-range=1000/",
        "openshift-range=2147483647/2",
        "openshift-range=1/2/3",
        "userns=0/0",
        "userns=4294967295/2",
        "userns=5/",
    ],
)
def test_ranges_that_are_none(option: str) -> None:
    with pytest.raises(argparse.ArgumentError):
        start(f"--{option}")


@pytest.mark.parametrize(
    "arguments",
    [
        ["whatif"],
        ["whatif", "x/y:1", "--user"],
        ["whatif", "x/y:1", "--run-as-user", "1_0"],
        ["whatif", "x/y:1", "--format", "sarif"],
        ["whatif", "127.0.0.1:1/Not A Name"],
        ["whatif", "127.0.0.1:1/a:1", "--runtime", "docker", "--fs-group", "5"],
        ["whatif", "127.0.0.1:1/a:1", "--username", "half"],
    ],
)
def test_wrong_usage_is_4(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status = main(arguments)
    except SystemExit as left:
        status = int(str(left.code))
    assert status == 4
    assert "python -m scanner whatif: " in capsys.readouterr().err

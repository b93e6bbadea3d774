"""A start, from an address."""

from __future__ import annotations

import pytest
from django.http import QueryDict

from compliance.forms.what_if import PRESETS, WhatIfForm, what_if_form
from scanner.domain.start import Start, StartedBy, UserNamespace


def started(query: str) -> Start:
    """The start an address asks for."""
    form = what_if_form(QueryDict(query))
    assert form.is_valid(), form.errors
    return form.start()


@pytest.mark.parametrize(
    ("query", "start"),
    [
        ("by=docker", Start()),
        ("user=", Start()),
        ("user=%203000", Start(user=" 3000")),
        ("by=podman&user=app:www", Start(StartedBy.PODMAN, user="app:www")),
        ("run_as_user=0", Start(StartedBy.KUBERNETES, run_as_user=0)),
        ("run_as_non_root=on", Start(StartedBy.KUBERNETES, run_as_non_root=True)),
        ("fs_group=7&strict_groups=on", Start(StartedBy.KUBERNETES, fs_group=7, merge_groups=False)),
        ("openshift_range=10/5", Start(StartedBy.CRIO, openshift_range=(10, 14))),
        ("userns=9/20", Start(user_namespace=UserNamespace(9, 20))),
        ("supplemental_groups=3,1,3", Start(supplemental_groups=(3, 1, 3))),
        ("drop_caps=on&no_new_privileges=on", Start(drop_capabilities=True, no_new_privileges=True)),
    ],
)
def test_every_setting(query: str, start: Start) -> None:
    assert started(query) == start


def test_nothing_is_asked_without_a_setting() -> None:
    assert not what_if_form(QueryDict("")).is_bound
    assert not what_if_form(QueryDict("utm_source=x")).is_bound


def test_presets_are_starts_and_different_ones() -> None:
    assert len({started(preset.query) for preset in PRESETS}) == len(PRESETS)


@pytest.mark.parametrize("text", ["0x1", "-1", "+1", "1_000", "１", "1.0", "1e3", "9" * 20])
def test_numbers_are_ascii_digits(text: str) -> None:
    form = WhatIfForm({"by": "kubernetes", "run_as_user": text})
    assert list(form.errors) == ["run_as_user"]


@pytest.mark.parametrize("text", ["5/0", "0/0", "1/4294967296", "/5", "5/", "5"])
def test_ranges_that_are_none(text: str) -> None:
    assert list(WhatIfForm({"by": "crio", "openshift_range": text}).errors) == ["openshift_range"]

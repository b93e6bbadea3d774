"""Licences as libraries say them, in each of the places where they do."""

from __future__ import annotations

from email.message import Message
from importlib.metadata import PackageMetadata
from pathlib import Path
from typing import cast

import pytest
from django.test import override_settings

from compliance.queries import shipped
from compliance.queries.shipped import htmx, libraries


@pytest.mark.parametrize(
    ("fields", "licence", "link"),
    [
        ((("License-Expression", "MIT"), ("License", "other")), "MIT", ""),
        ((("License", "BSD"), ("Classifier", "License :: OSI Approved :: BSD License")), "BSD License", ""),
        ((("License", "Apache-2.0"), ("Classifier", "Framework :: Django")), "Apache-2.0", ""),
        ((("License", "Copyright\nall of it"),), "see its page", ""),
        ((("License", "x" * 500),), "see its page", ""),
        ((("Project-URL", "Home, javascript:alert(1)"), ("Home-page", "data:x")), "see its page", ""),
        (
            (("Project-URL", "Docs, https://docs.example"), ("Project-URL", "Source, https://src.example")),
            "see its page",
            "https://src.example",
        ),
        ((("Home-page", "http://old.example"),), "see its page", "http://old.example"),
    ],
)
def test_what_a_library_says(fields: tuple[tuple[str, str], ...], licence: str, link: str) -> None:
    about = Message()
    for name, value in (("Name", "thing"), ("Version", "1"), *fields):
        about[name] = value
    found = shipped._library(cast(PackageMetadata, about))
    assert (found.name, found.version, found.licence, found.link) == ("thing", "1", licence, link)


def test_all_are_named_once_and_sorted() -> None:
    names = [each.name for each in libraries()]
    assert names == sorted(set(names), key=str.lower)
    assert {"Django", "htmx", "psycopg"} <= set(names)
    assert "pytest" not in names
    assert all(each.licence and each.version for each in libraries())


def test_where_nothing_is_pinned_all_that_is_installed_is_shipped(tmp_path: Path) -> None:
    libraries.cache_clear()
    try:
        with override_settings(ROOT=tmp_path):
            assert "pytest" in {each.name for each in libraries()}
    finally:
        libraries.cache_clear()


def test_the_script_of_the_pages_has_a_version() -> None:
    assert htmx().version.split(".")[0] == "2"

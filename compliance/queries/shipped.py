"""The libraries that are installed with the product, and under which licences they are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Final

import django_htmx
from django.conf import settings

_PIN: Final = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==", re.MULTILINE)
_LINKS: Final = ("homepage", "home", "source", "source code", "repository", "code")
_SHORT: Final = 60
_HTMX: Final = Path(django_htmx.__file__).parent / "static" / "django_htmx" / "htmx-2.min.js"
_HTMX_VERSION: Final = re.compile(r'version:"([0-9][0-9A-Za-z.-]{0,20})"')
_PREFIX: Final = re.compile(r"^License :: (OSI Approved :: )?")


@dataclass(frozen=True, slots=True)
class Library:
    """A library; ``link`` is empty where it names none that begins with http."""

    name: str
    version: str
    licence: str
    link: str


@cache
def libraries() -> tuple[Library, ...]:
    """Those installed here that the product runs on, by name, and htmx; a process's libraries do not change.

    Our container image holds nothing else. Of a checkout, what only tests need is left out.
    """
    wanted = _pinned()
    found = {
        _plain(each.metadata["Name"]): _library(each.metadata)
        for each in metadata.distributions()
        if wanted is None or _plain(each.metadata["Name"]) in wanted
    }
    return tuple(sorted((*found.values(), htmx()), key=lambda each: each.name.lower()))


@cache
def htmx() -> Library:
    """The script that pages load; django-htmx brings it."""
    found = _HTMX_VERSION.search(_HTMX.read_text("utf-8"))
    return Library("htmx", found[1] if found else "not known", "0BSD", "https://htmx.org/")


def _pinned() -> frozenset[str] | None:
    files = [each for each in Path(settings.ROOT).glob("requirements*.txt") if each.name != "requirements-dev.txt"]
    names = frozenset(_plain(name) for each in files for name in _PIN.findall(each.read_text("utf-8")))
    return names or None


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _library(about: metadata.PackageMetadata) -> Library:
    return Library(about["Name"], about["Version"], _licence(about), _link(about))


def _licence(about: metadata.PackageMetadata) -> str:
    """The expression, else the classifiers, else the field, where it is a name and not the text itself."""
    said, of_old = _field(about, "License-Expression"), _field(about, "License")
    classes = [_PREFIX.sub("", each) for each in about.get_all("Classifier") or () if each.startswith("License ::")]
    short = of_old if len(of_old) <= _SHORT and "\n" not in of_old else ""
    return said or ", ".join(each for each in classes if each) or short or "see its page"


def _link(about: metadata.PackageMetadata) -> str:
    pairs = (each.partition(",") for each in about.get_all("Project-URL") or ())
    named = {label.strip().lower(): address.strip() for label, _, address in pairs}
    return _first_address([*(named.get(each, "") for each in _LINKS), _field(about, "Home-page"), *named.values()])


def _field(about: metadata.PackageMetadata, name: str) -> str:
    return next(iter(about.get_all(name) or ()), "")


def _first_address(addresses: Iterable[str]) -> str:
    return next((each for each in addresses if each.startswith(("https://", "http://"))), "")

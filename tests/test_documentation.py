"""What the documentation says about settings is what the settings are."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from scanner.domain.limits import Limits

ROOT = Path(__file__).parent.parent
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#([^)]+))?\)")


def test_every_limit_is_listed_with_its_default() -> None:
    listed = re.findall(r"^\| `(PLIMSOLL_\w+)` \| ([\d,.]+) \|$", OPERATIONS, re.MULTILINE)
    assert listed == [(f"PLIMSOLL_{field.name.upper()}", f"{field.default:,}") for field in fields(Limits)]


def test_every_variable_the_settings_read_is_explained() -> None:
    settings = (ROOT / "compliance" / "project" / "settings.py").read_text()
    read = set(re.findall(r'env\.\w+\(\s*"(\w+)"', settings))
    assert len(read) > 10
    assert {name for name in read if f"`{name}`" not in OPERATIONS} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text()):
        found = (page.parent / target).resolve()
        assert found.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", found.read_text(), re.MULTILINE)
            assert anchor in {heading.lower().replace(" ", "-") for heading in headings}


def test_the_help_of_make_lists_what_the_readme_tells_to_run() -> None:
    targets = re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    told = re.findall(r"(?:`|\$ )make ([a-z]+)", "".join(page.read_text() for page in PAGES))
    assert set(told) <= set(targets) | {"help"}

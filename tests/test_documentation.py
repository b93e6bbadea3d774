"""What the documentation says about settings is what the settings are."""

import re
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest

from scanner.domain.limits import Limits
from scanner.sources.catalogs import PRODUCT_KEYS
from scanner.sources.catalogs.elsewhere import PRODUCTS as ELSEWHERE

ROOT = Path(__file__).parent.parent
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
# What is in the repository, and not what running it leaves there.
TOP = [
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-tree", "--name-only", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FOLDERS = "|".join(sorted(re.escape(path.name) for path in TOP if path.is_dir()))
FILES = "|".join(sorted(re.escape(path.name) for path in TOP if path.is_file()))
IN_BACKTICKS = re.compile(rf"`((?:{FOLDERS})/[\w./*-]*|{FILES})`")
PLACEHOLDER = re.compile(r"nrNNN|\bNAME\b|_NAME\b|/(test_)?page\b")
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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_that_is_named_exists(page: Path) -> None:
    # Capitals and NNN stand for what a reader puts there, as does the name of the page or rule that is to be added.
    named = {path for path in IN_BACKTICKS.findall(page.read_text()) if not PLACEHOLDER.search(path)}
    assert sorted(path for path in named if not any(ROOT.glob(path.rstrip("/")))) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_is_named_exists(page: Path) -> None:
    named = set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page.read_text()))
    assert len(named) > 20 or page.name != "threats.md"
    assert {(path, test) for path, test in named if f"def {test}(" not in (ROOT / path).read_text()} == set()


def test_paths_are_found_where_pages_name_them() -> None:
    named = IN_BACKTICKS.findall("`scanner/judge.py`, `.ci/run`, `docs/*.md`, `docker/x`, `templates/compliance/`")
    assert named == ["scanner/judge.py", ".ci/run", "docs/*.md", "templates/compliance/"]


def test_the_help_of_make_lists_what_the_readme_tells_to_run() -> None:
    targets = re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    told = re.findall(r"(?:`|\$ )make ([a-z]+)", "".join(page.read_text() for page in PAGES))
    assert set(told) <= set(targets) | {"help"}


def test_every_registry_product_is_explained_in_the_order_of_the_form() -> None:
    page = (ROOT / "docs" / "registries.md").read_text()
    local = {product.key for product in ELSEWHERE}
    assert re.findall(r"^\| [^|]+ \| `([a-z-]+)` \|", page, re.MULTILINE) == [k for k in PRODUCT_KEYS if k not in local]

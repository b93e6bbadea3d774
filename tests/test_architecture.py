"""The architecture lints itself, and the linter is seen to bite."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LINTER = Path(sys.executable).parent / "lint-imports"

SCANNER_LAYERS = "scanner is a library: dependencies point one way inside it"
COMPLIANCE_LAYERS = "compliance: dependencies point one way"
NO_FRAMEWORK = "scanner knows nothing of Django, Celery or compliance"
PURE = "The core is pure: no framework, no network, no clock, no disk"
RULES = "Rules do not know each other"
SOCKETS = "Only sources and compliance.outgoing open connections"
YAML = "YAML is read by one package"
CYCLES = "No import cycles among siblings"

PLANTED = [
    ("scanner/domain/planted.py", "import scanner.judge", SCANNER_LAYERS),
    ("scanner/rules/planted.py", "import scanner.rulebook", SCANNER_LAYERS),
    ("scanner/report_planted.py", "import django.conf", NO_FRAMEWORK),
    ("scanner/sources/planted.py", "import compliance.models", NO_FRAMEWORK),
    ("scanner/domain/planted.py", "import os", PURE),
    ("scanner/platforms/planted.py", "import time", PURE),
    ("compliance/policy/planted.py", "import django.db", PURE),
    ("compliance/webhooks/planted.py", "import compliance.models", PURE),
    ("compliance/webhooks/planted.py", "import compliance.policy", COMPLIANCE_LAYERS),
    ("scanner/rules/planted.py", "import scanner.rules.nr101_root_by_default", RULES),
    ("compliance/views/planted.py", "import httpx2", SOCKETS),
    ("compliance/services/planted.py", "import socket", SOCKETS),
    ("compliance/services/planted.py", "import smtplib", SOCKETS),
    ("compliance/views/planted.py", "import yaml", YAML),
    ("scanner/inspection/planted.py", "import yaml", YAML),
    ("compliance/models/planted.py", "import compliance.services", COMPLIANCE_LAYERS),
    ("compliance/services/planted.py", "import compliance.tasks", COMPLIANCE_LAYERS),
    ("compliance/queries/planted.py", "import compliance.views", COMPLIANCE_LAYERS),
]


def contracts(tree: Path) -> dict[str, bool]:
    """Return for each contract whether it is kept."""
    done = subprocess.run([str(LINTER), "--no-cache"], cwd=tree, capture_output=True, text=True, timeout=120)
    found = re.findall(r"^(.+?) (KEPT|BROKEN)$", done.stdout, re.MULTILINE)
    assert found, done.stdout + done.stderr
    assert (done.returncode == 0) is all(word == "KEPT" for _, word in found)
    return {name: word == "KEPT" for name, word in found}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in ("scanner", "compliance"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_every_contract_is_kept() -> None:
    assert [name for name, kept in contracts(ROOT).items() if not kept] == []


@pytest.mark.parametrize(("path", "line", "contract"), PLANTED)
def test_a_planted_violation_is_caught(tree: Path, path: str, line: str, contract: str) -> None:
    (tree / path).write_text(f"{line}\n")
    assert contracts(tree)[contract] is False


def test_a_planted_cycle_is_caught(tree: Path) -> None:
    (tree / "scanner/domain/planted.py").write_text("import scanner.domain.planted_too\n")
    (tree / "scanner/domain/planted_too.py").write_text("import scanner.domain.planted\n")
    assert contracts(tree)[CYCLES] is False


def test_every_contract_has_a_planted_violation() -> None:
    assert set(contracts(ROOT)) == {contract for _, _, contract in PLANTED} | {CYCLES}


LONGEST_FILE = 400


def test_no_file_is_too_long() -> None:
    written = [path for package in ("scanner", "compliance") for path in (ROOT / package).rglob("*.py")]
    lengths = {path: len(path.read_text().splitlines()) for path in written if path.parent.name != "migrations"}
    assert {path: lines for path, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_no_file_is_named_for_nothing() -> None:
    names = {"utils", "helpers", "common", "base", "manager"}
    tracked = [Path(name) for name in _tracked()]
    assert len(tracked) > 100
    assert [path for path in tracked if names & {part.partition(".")[0] for part in path.parts}] == []


def _tracked() -> list[str]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    return [name for name in done.stdout.split("\0") if name]

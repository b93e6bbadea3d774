"""A real engine is the oracle: what ``docker run -u 100000:0`` can do in an image is what we say it can.

``PLIMSOLL_ORACLE_TIMES`` makes the run longer: 10 asks ten times as many.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from scanner.domain.facts import ImageFacts
from scanner.domain.limits import DEFAULT_LIMITS
from scanner.domain.permissions import Access, Process, denied
from scanner.domain.reference import RepositoryName, TagName
from scanner.domain.start import Start
from scanner.inspection import inspect
from scanner.whatif import Outcome, what_if
from scanner.whatif.answer import Role
from tests.oracle.arbitrary_uids import Probed, probed_images
from tests.oracle.engine_answers import AT_ONCE, load
from tests.support.demo_registry.server import DemoRegistry
from tests.support.engine import Engine
from tests.support.oci_layout import OciLayout
from tests.support.sources import local_source
from tests.support.static_probe import parse_probed

COUNT = 120 * int(os.environ.get("PLIMSOLL_ORACLE_TIMES", "1"))
SEED = 20_150_101
ARBITRARY = "100000:0"

# The whole run belongs to whichever test comes first.
pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]


@dataclass(frozen=True, slots=True)
class Said:
    """Whether the command runs, and what its process can do by path; ``words`` where it does not run."""

    can: Mapping[str, str] | None
    words: str = ""


Asked = list[tuple[Probed, Said, Said]]


@pytest.fixture(scope="module")
def asked(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """Image, what the engine says, what we say."""
    images = list(probed_images(SEED, COUNT))
    names = [f"probed:{number}" for number in range(COUNT)]
    load(engine, dict(zip(names, (one.image for one in images), strict=True)))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        engines = list(pool.map(lambda name: _engine(engine, name), names))
    ours = [_ours(one, facts) for one, facts in zip(images, _facts(images, tmp_path_factory.mktemp("l")), strict=True)]
    return list(zip(images, engines, ours, strict=True))


def _engine(engine: Engine, name: str) -> Said:
    done = engine.docker("run", "--rm", "--network", "none", "-u", ARBITRARY, name, check=False)
    return Said(parse_probed(done.stdout)) if done.returncode == 0 else Said(None, f"{done.returncode} {done.stderr}")


def _facts(images: list[Probed], folder: Path) -> list[ImageFacts]:
    layout = OciLayout(folder)
    for number, one in enumerate(images):
        layout.tag("probed", str(number), one.image)
    name, tags = RepositoryName("probed"), [TagName(str(number)) for number in range(len(images))]
    with DemoRegistry(folder).running() as registry, local_source(registry.url) as source:
        found = [inspect(source, name, tag, platform=None, limits=DEFAULT_LIMITS).images[0] for tag in tags]
    assert [image.problem for image in found if image.facts is None] == []
    return [image.facts for image in found if image.facts is not None]


def _ours(probed: Probed, facts: ImageFacts) -> Said:
    answer = what_if(facts, Start(user=ARBITRARY))
    if answer.start_error is not None or answer.consequences is None or _as_an_old_lookup_sees_it(facts):
        return Said(None, answer.start_error or "")
    assert answer.outcome is not Outcome.UNKNOWN, answer.consequences.unknown
    uses = {use.path: _letters(use.now) for use in answer.consequences.paths if use.role is not Role.WORKING_DIR}
    here = next(use for use in answer.consequences.paths if use.role is Role.WORKING_DIR)
    return Said({".": _letters(here.now), **{path: uses[path] for path in probed.paths}})


def _as_an_old_lookup_sees_it(facts: ImageFacts) -> bool:
    """Whether runc 1.1, built with Go before 1.20, takes a file on PATH that only others may execute, and fails."""
    entry = facts.files.entry_point if facts.files else None
    if entry is None or "/" in entry.argv[0]:
        return False
    stranger = Process(100_000, frozenset({0}))
    seen = (one.walk for one in entry.candidates if denied(one.walk, stranger, Access(0)) is None)
    first = next((walk for walk in seen if walk.place and walk.place.node.mode & 0o111), None)
    return first is not None and denied(first, stranger, Access.EXECUTE) is not None


def _letters(access: Access) -> str:
    return ("r" if access & Access.READ else "-") + ("w" if access & Access.WRITE else "-")


def test_the_images_reach_every_answer(asked: Asked) -> None:
    said = [engine.can for _, engine, _ in asked]
    runs = [can for can in said if can is not None]
    assert min(len(runs), COUNT - len(runs)) > COUNT // 5
    assert {letters for can in runs for letters in can.values()} >= {"rw", "r-", "--"}


def test_no_image_on_which_the_engine_and_we_differ(asked: Asked) -> None:
    assert [(engine, ours) for _, engine, ours in asked if engine.can != ours.can] == []

from __future__ import annotations

from dataclasses import replace

from scanner.domain.facts import ImageFacts
from scanner.domain.files import FileFacts, Place
from scanner.rules.nr308_world_writable import RULE
from tests.support.answers import answer, evidence, fix
from tests.support.facts import facts
from tests.support.files import node


def writable(*paths: str, total: int | None = None) -> ImageFacts:
    places = tuple(Place(path, node("drwxrwxrwx"), 0) for path in paths)
    known = FileFacts(world_writable=places, world_writable_total=len(places) if total is None else total)
    return replace(facts(history=["RUN chmod -R 777 /srv"]), files=known)


def test_outcome() -> None:
    assert answer(RULE, writable()) == "ok"
    assert answer(RULE, writable("/srv")) == "violated"
    assert answer(RULE, writable(total=9)) == "unknown"
    assert answer(RULE, replace(writable(), files=None)) == "unknown"


def test_evidence_says_what_made_it() -> None:
    found = evidence(RULE, writable("/srv"))
    assert (found["path"], found["listing"], found["created_by"]) == ("/srv", "drwxrwxrwx", "RUN chmod -R 777 /srv")


def test_many_are_counted() -> None:
    found = RULE.check(writable(*(f"/srv/{at}" for at in range(30)), total=5_000), None)
    assert "and 4,997 more" in str(found.reason)
    assert len(found.evidence) == 20


def test_fix_of_a_few_names_them() -> None:
    assert "RUN chmod o-w /srv /opt/a" in fix(RULE, writable("/srv", "/opt/a"))


def test_fix_of_many_finds_them() -> None:
    assert "RUN find / -xdev ! -type l -perm -0002" in fix(RULE, writable("/srv", total=5_000))
    assert "RUN find / -xdev ! -type l -perm -0002" in fix(RULE, writable("/srv", "/a b"))


def test_fix_without_a_shell() -> None:
    bare = replace(writable("/srv", total=5_000), passwd=facts(passwd=None).passwd)
    assert "RUN" not in fix(RULE, replace(bare, config=replace(bare.config, history=())))

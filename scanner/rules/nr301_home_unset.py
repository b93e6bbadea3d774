"""NR301: HOME is not in the environment."""

from __future__ import annotations

from scanner.domain.arbitrary_uid import home, home_on_openshift
from scanner.domain.citations import OPENSHIFT_IMAGES, RANDOM_IDS
from scanner.domain.facts import ImageFacts
from scanner.domain.permission_fixes import home_instead, open_folders, openable, writable_folder
from scanner.domain.printable import quoted
from scanner.domain.rule import Example, Finding, Rule, ok
from scanner.domain.verdict import Outcome, Severity


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """No HOME, or an empty one, which runc takes for none."""
    if home(facts).declared:
        return ok()
    empty = facts.config.environment("HOME") is not None
    how = "HOME is empty in the image's environment" if empty else "The image's environment has no HOME"
    said = f"{how}, so a uid that is not in `/etc/passwd` gets `/`. {_on_openshift(facts)}"
    evidence = {"pointer": "/config/Env", "declared": "HOME=" if empty else None, "config": facts.config_digest}
    return Finding(Outcome.VIOLATED, said, (evidence,), _fix(facts, said))


def _on_openshift(facts: ImageFacts) -> str:
    there = home_on_openshift(facts)
    if there is None or there == "/":
        return "On OpenShift it is the same."
    return f"CRI-O, and so OpenShift, adds a line for the uid with WORKDIR as its home: {quoted(there)}."


def _fix(facts: ImageFacts, said: str) -> str:
    folder = writable_folder(facts)
    lines = [*open_folders(facts, openable([folder]), missing=True), f"ENV HOME={folder}"]
    return home_instead(f"{said} Name a folder that group 0 may write:", lines)


RULE = Rule(
    id="NR301",
    slug="home-unset",
    title="HOME is not set",
    why="Programs keep caches and settings in HOME; an arbitrary uid without one gets `/`, where it may not write.",
    severity=Severity.MEDIUM,
    references=(RANDOM_IDS, OPENSHIFT_IMAGES),
    violating=Example("The account's home counts for that account only", "FROM debian:12\nUSER 10001:0\nCMD server"),
    fine=Example("HOME for everybody", "FROM debian:12\nENV HOME=/srv/app\nUSER 10001:0\nCMD server"),
    check=check,
    decided=(
        "HOME is looked for in the image's environment. Where it is missing or empty, runc takes the home of the "
        "account with the process's uid, and `/` where no account has it: the case of an arbitrary uid. Podman and "
        "CRI-O write a line for the uid and put WORKDIR there. Whether HOME can be written is NR302's question."
    ),
)

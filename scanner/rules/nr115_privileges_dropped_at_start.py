"""NR115: it starts as root, and may hand over to somebody else at once. A hint, never a pass."""

from __future__ import annotations

import re

from scanner.domain.citations import CIS_4_1, DOCKERFILE_USER, FRIENDS, NIST_800_190
from scanner.domain.facts import ImageFacts
from scanner.domain.file_evidence import MOST_SHOWN, NOT_READ, named
from scanner.domain.files import FileFacts, ProgramForm
from scanner.domain.fixes import run_as_account, someone_else
from scanner.domain.printable import printable, quoted
from scanner.domain.reading import read
from scanner.domain.rule import Example, Finding, Rule, not_applicable, ok, unknown
from scanner.domain.verdict import Evidence, Outcome, Severity

_TOOL = re.compile(
    r"(?<![A-Za-z0-9_.-])(gosu|su-exec|setpriv|tini(?:-static)?|s6-(?:svscan|setuidgid|applyuidgid|overlay-suexec))"
    r"(?![A-Za-z0-9_-]|\.\w)"
)
_LONGEST_COMMAND = 4_096
_NAME = re.compile(r"gosu|su-exec|tini(?:-static)?|s6-[a-z0-9-]+")
# Part of util-linux, so in every Debian and RHEL: it says something only where a script can call it.
_EVERYWHERE = "setpriv"


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """For images that start as root: known tools in the command, and among the files."""
    reading = read(facts)
    if not reading.is_root:
        return not_applicable("It does not start as root." if reading.uid is not None else reading.why_not)
    said_by_command = _in_command(facts)
    held = _among_files(facts.files) if facts.files is not None else []
    if not said_by_command and not held:
        return ok() if facts.files is not None else unknown(NOT_READ)
    how = (
        f"its command names {quoted(said_by_command[0][1])}"
        if said_by_command
        else f"it holds {named(held, len(held))}"
    )
    said = f"It starts as root and may hand over to somebody else: {how}. Nothing in the image proves that it does."
    evidence = [_command(facts, pointer, tool) for pointer, tool in said_by_command]
    evidence += [{"path": printable(path, longest=500), "text": "may change the user"} for path in held]
    return Finding(Outcome.VIOLATED, said, tuple(evidence[:MOST_SHOWN]), _fix(facts, said))


def _in_command(facts: ImageFacts) -> list[tuple[str, str]]:
    """Pointer into the config, and the tool: the first one in Entrypoint and in Cmd."""
    found = []
    for pointer, words in (("/config/Entrypoint", facts.config.entrypoint), ("/config/Cmd", facts.config.cmd)):
        tool = _TOOL.search(" ".join(words or ())[:_LONGEST_COMMAND])
        if tool:
            found.append((pointer, tool[1]))
    return found


def _among_files(files: FileFacts) -> list[str]:
    if not files.tools:
        return []
    by_script = files.entry_point is not None and any(
        program.form is ProgramForm.SCRIPT for program in files.entry_point.candidates
    )
    names = ((path, path.rpartition("/")[2]) for path in files.tools)
    return [path for path, name in names if _NAME.fullmatch(name) or (by_script and name == _EVERYWHERE)]


def _command(facts: ImageFacts, pointer: str, tool: str) -> Evidence:
    words = facts.config.entrypoint if pointer.endswith("Entrypoint") else facts.config.cmd
    return {
        "pointer": pointer,
        "declared": printable(" ".join(words or ()), longest=300),
        "config": facts.config_digest,
        "tool": tool,
    }


def _fix(facts: ImageFacts, said: str) -> str:
    opening = (
        f"{said} Platforms look at USER and see root, `docker exec` gives root, and so does a flaw before the "
        "hand-over. Declare the user it hands over to, and let the start script skip the hand-over unless `$(id -u)` "
        "is 0; give it its folders while building instead of at start. `tini` only forwards signals and changes no "
        "user."
    )
    return run_as_account(facts, opening, someone_else(facts))


RULE = Rule(
    id="NR115",
    slug="privileges-dropped-at-start",
    title="Starts as root and may drop it",
    why="A script that drops root at start makes the running server safer, yet no platform can see or rely on it.",
    severity=Severity.INFO,
    references=(FRIENDS, CIS_4_1, NIST_800_190, DOCKERFILE_USER),
    violating=Example(
        "The hand-over is in a script",
        'FROM debian:12\nRUN apt-get update && apt-get install -y gosu\nENTRYPOINT ["gosu", "www-data", "server"]',
    ),
    fine=Example("The hand-over is in the config", "FROM debian:12\nUSER 10001:10001\nCMD server"),
    check=check,
    decided=(
        "Only images that start as root are asked. Entrypoint and Cmd are searched for `gosu`, `su-exec`, `setpriv`, "
        "s6 and `tini`, and so are the files; `setpriv` as a file counts only beside a start script, because every "
        "Debian has it. What the script does is not run or read, so this is a hint beside the verdict and never "
        "changes it."
    ),
    decides=False,
)

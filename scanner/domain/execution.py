"""What becomes of an image's command when a process executes it, in the words runc prints.

::

    looked up     exec: "server": executable file not found in $PATH      exec.LookPath, in the container, as the user
    executed      exec /srv/server: permission denied                     execve: interpreter or loader
    interpreted   the script starts its interpreter, which cannot read it

Sources: Go ``os/exec.LookPath`` and ``findExecutable``, runc ``standard_init_linux.go``, Linux ``fs/exec.c``,
``fs/binfmt_script.c``, ``security/commoncap.c``.
"""

from __future__ import annotations

from dataclasses import dataclass

from scanner.domain.capabilities import decode
from scanner.domain.facts import ImageFacts
from scanner.domain.file_evidence import NOT_READ
from scanner.domain.files import EntryPoint, FileFacts, NodeKind, Place, Program, ProgramForm, Walk, WalkState
from scanner.domain.permissions import Access, Denied, Process, denied, not_executable
from scanner.domain.printable import printable, quoted

CAPABLE_ROOT = Process(0, frozenset({0}), overrides=True)
"""Root as Docker starts it: what it cannot execute nobody can."""

SETUID = 0o4000
NO_COMMAND = "no command specified"
MOST_PATH_FOLDERS = 256
"""A command is not looked up in a PATH of more folders."""

NOT_SEARCHED = "The layers were not searched for the command, or PATH has too many folders."
_ERRORS = {
    WalkState.MISSING: "no such file or directory",
    WalkState.NOT_A_FOLDER: "not a directory",
    WalkState.LINK_LOOP: "too many levels of symbolic links",
}


@dataclass(frozen=True, slots=True)
class Execution:
    """Whether the command is executed.

    :param program: the path that is, or cannot be; the command as written where nothing was found.
    :param problem: the runtime's or the kernel's words; empty where it is executed, or where that cannot be told.
    :param unknown: why it cannot be told, as a sentence.
    :param walk: to what was in the way: the program, its interpreter or its loader.
    :param denied: what refuses.
    """

    program: str = ""
    problem: str = ""
    unknown: str = ""
    walk: Walk | None = None
    denied: Denied | None = None

    @property
    def succeeds(self) -> bool:
        """Whether it is known to be executed."""
        return not self.problem and not self.unknown


def execute(facts: ImageFacts, process: Process, bounding: frozenset[str] | None = None) -> Execution:
    """Execute Entrypoint and Cmd.

    :param bounding: capabilities the container may have at all; ``None`` leaves those of files out of account.
    """
    if not facts.config.entrypoint and not facts.config.cmd:
        return Execution(problem=NO_COMMAND)
    if facts.files is None:
        return Execution(unknown=NOT_READ)
    entry = facts.files.entry_point
    if entry is None:
        return Execution(unknown=NOT_SEARCHED)
    program = _looked_up(entry, process)
    if program is None:
        return _not_found(entry, process)
    named = entry.argv[0] if "/" in entry.argv[0] else program.walk.path
    return _lookup_problem(named, program, process) or _executed(facts.files, named, program, process, bounding)


def machine_code(entry: EntryPoint, found: Execution) -> Program | None:
    """The file whose machine code runs; of a script the interpreter, as setuid of scripts does not count."""
    if found.problem:
        return None
    named = (program for program in entry.candidates if "/" in entry.argv[0] or program.walk.path == found.program)
    program = next(named, None)
    return None if program is None else _final(program)


def root_command(facts: ImageFacts, process: Process) -> Place | None:
    """The command where it is setuid root: its process has the effective uid 0, whoever starts it.

    ``None`` where it is not, and where nobody looked at files.
    """
    entry = None if facts.files is None else facts.files.entry_point
    if entry is None or not any(map(_may_be_root, entry.candidates)):
        return None
    program = machine_code(entry, execute(facts, process))
    place = None if program is None else program.walk.place
    return place if program is not None and _is_root(program) else None


def _may_be_root(program: Program) -> bool:
    return _is_root(_final(program))


def _is_root(program: Program) -> bool:
    place = program.walk.place
    return place is not None and bool(place.node.mode & SETUID) and place.node.uid == 0


def _looked_up(entry: EntryPoint, process: Process) -> Program | None:
    if "/" in entry.argv[0]:
        return entry.candidates[0] if entry.candidates else None
    return next((program for program in entry.candidates if _stands_as_command(program, process)), None)


def _stands_as_command(program: Program, process: Process) -> bool:
    place = program.walk.place
    if place is None or place.node.kind is NodeKind.FOLDER:
        return False
    return denied(program.walk, process, Access.EXECUTE) is None


def _not_found(entry: EntryPoint, process: Process) -> Execution:
    command = entry.argv[0]
    said = f'exec: "{_shown(command)}": executable file not found in $PATH'
    refused = next((program.walk for program in entry.candidates if program.walk.place is not None), None)
    if refused is None:
        return Execution(command, said)
    return Execution(command, said, walk=refused, denied=denied(refused, process, Access.EXECUTE))


def _lookup_problem(named: str, program: Program, process: Process) -> Execution | None:
    walk = program.walk
    problem = denied(walk, process, Access.EXECUTE)
    if walk.place is not None and walk.place.node.kind is NodeKind.FOLDER and (
        problem is None or problem.place == walk.place
    ):  # fmt: skip
        return Execution(named, f'exec: "{_shown(named)}": is a directory', walk=walk, denied=problem)
    if problem is None:
        return None
    if problem.place is None:
        why = f"stat {_shown(named)}: {_ERRORS.get(walk.state, _ERRORS[WalkState.MISSING])}"
    else:
        at_the_end = walk.place is not None and problem.place == walk.place
        why = "permission denied" if at_the_end else f"stat {_shown(named)}: permission denied"
    return Execution(named, f'exec: "{_shown(named)}": {why}', walk=walk, denied=problem)


def _executed(
    files: FileFacts, named: str, program: Program, process: Process, bounding: frozenset[str] | None
) -> Execution:
    refusal = not_executable(program, process)
    if refusal is not None:
        return _refused(named, program, process, refusal)
    final = _final(program)
    if final.form is ProgramForm.UNREAD:
        return Execution(named, unknown=f"The first bytes of {quoted(final.walk.resolved)} were not kept.")
    if final.form is not ProgramForm.ELF:
        return Execution(named, f"exec {_shown(named)}: exec format error", walk=final.walk)
    return Execution(named) if bounding is None else _with_capabilities(files, named, final, bounding)


def _refused(named: str, program: Program, process: Process, refusal: Denied) -> Execution:
    walk = _walk_that_refuses(program, refusal)
    if refusal.wanted is Access.READ:
        said = f"its interpreter cannot open {_shown(walk.resolved)}: permission denied"
    elif refusal.place is None:
        said = f"exec {_shown(named)}: {_ERRORS.get(walk.state, _ERRORS[WalkState.MISSING])}"
    elif denied(walk, process, Access.EXECUTE) is None and walk.place is not None and _is_file(walk):
        said = f"exec {_shown(named)}: {_ERRORS[WalkState.LINK_LOOP]}"  # scripts of scripts of scripts
    else:
        said = f"exec {_shown(named)}: permission denied"
    return Execution(named, said, walk=walk, denied=refusal)


def _is_file(walk: Walk) -> bool:
    return walk.place is not None and walk.place.node.kind is NodeKind.FILE


def _walk_that_refuses(program: Program, refusal: Denied) -> Walk:
    """The first of program, interpreter and loader whose way leads past the refusal."""
    current: Program | None = program
    while current is not None:
        walk = current.walk
        if refusal.path == walk.resolved or (refusal.place is not None and refusal.place in walk.through):
            return walk
        current = current.interpreter
    return program.walk


def _final(program: Program) -> Program:
    while program.form is ProgramForm.SCRIPT and program.interpreter is not None:
        program = program.interpreter
    return program


def _with_capabilities(files: FileFacts, named: str, final: Program, bounding: frozenset[str]) -> Execution:
    path = final.walk.resolved
    found = next((file for file in files.privileged if file.place.path == path), None)
    if found is None:
        kept = files.privileged
        if files.privileged_total > len(kept) and (not kept or path > kept[-1].place.path):
            return Execution(named, unknown=f"Not all privileged files were kept, so {quoted(path)} may be one.")
        return Execution(named)
    if not found.capability:
        return Execution(named)
    capability = decode(found.capability)
    if capability.problem:
        return Execution(named, f"exec {_shown(named)}: invalid argument", walk=final.walk)
    if capability.stops_exec(bounding):
        return Execution(named, f"exec {_shown(named)}: operation not permitted", walk=final.walk)
    return Execution(named)


def _shown(path: str) -> str:
    return printable(path, longest=300)

"""Whether the image's command is executed: looked up as runc does, with the rights of the process, then ``execve``.

Sources: runc ``standard_init_linux.go``, which looks the command up after it has become the user; Go ``exec.LookPath``;
Linux ``bprm_caps_from_vfs_caps``.
"""

from __future__ import annotations

from dataclasses import dataclass

from scanner.domain.capabilities import decode
from scanner.domain.files import EntryPoint, FileFacts, NodeKind, PrivilegedFile, Program, ProgramForm, WalkState
from scanner.domain.permissions import Access, Denied, Process, denied, not_executable
from scanner.domain.user_spec import go_quote

_NO_ENTRY = "no such file or directory"
_DENIED = "permission denied"


@dataclass(frozen=True, slots=True)
class Powers:
    """A process and the capabilities it could ever have."""

    process: Process
    bounding: frozenset[str]


@dataclass(frozen=True, slots=True)
class Executed:
    """How executing ended: ``problem`` is ``None`` where the program runs."""

    path: str
    problem: str | None
    unknown: str = ""


def executed(entry_point: EntryPoint, files: FileFacts, powers: Powers) -> Executed:
    """Look the command up and execute it."""
    command = entry_point.argv[0]
    program, problem = _looked_up(command, entry_point, powers.process)
    if program is None:
        return Executed(command, f"exec: {go_quote(command)}: {problem}")
    path = program.walk.path
    failed = _exec_problem(program, files, powers)
    if failed is not None:
        return Executed(path, f"exec {path}: {failed}")
    return Executed(path, None, _doubt(program, files))


def stops_exec(file: PrivilegedFile, bounding: frozenset[str]) -> bool:
    """Whether a file's capabilities stop ``execve`` in a container with that bounding set."""
    return bool(file.capability) and decode(file.capability).stops_exec(bounding)


def _looked_up(command: str, entry_point: EntryPoint, process: Process) -> tuple[Program | None, str]:
    if "/" not in command:
        found = (program for program in entry_point.candidates if _lookup_problem(program, process) is None)
        return next(found, None), "executable file not found in $PATH"
    for program in entry_point.candidates[:1]:
        problem = _lookup_problem(program, process)
        return (program, "") if problem is None else (None, problem.format(path=command))
    return None, f"stat {command}: {_NO_ENTRY}"


def _lookup_problem(program: Program, process: Process) -> str | None:
    """What ``findExecutable`` of Go says, which looks at the file itself only; ``{path}`` stands for the command."""
    walk = program.walk
    refused = denied(walk, process, Access.EXECUTE)
    if refused is not None and refused.place is not walk.place:
        return f"stat {{path}}: {_DENIED}"
    if walk.state is not WalkState.FOUND or walk.place is None:
        return f"stat {{path}}: {_MISSING[walk.state]}"
    if walk.place.node.kind is NodeKind.FOLDER:
        return "is a directory"
    return None if refused is None else _DENIED


_MISSING = {
    WalkState.FOUND: _NO_ENTRY,
    WalkState.MISSING: _NO_ENTRY,
    WalkState.NOT_A_FOLDER: "not a directory",
    WalkState.LINK_LOOP: "too many levels of symbolic links",
}


def _exec_problem(program: Program, files: FileFacts, powers: Powers) -> str | None:
    refused = not_executable(program, powers.process)
    if refused is not None:
        return _refused(program, refused)
    last = _last(program)
    if last.form is ProgramForm.OTHER:
        return "exec format error"
    file = _privileged(last, files)
    return "operation not permitted" if file is not None and stops_exec(file, powers.bounding) else None


def _refused(program: Program, refused: Denied) -> str:
    if refused.place is None:
        return _NO_ENTRY
    if refused.wanted is Access.READ:
        return f"{program.needs or 'its interpreter'} may not read {refused.path}: {_DENIED}"
    return _DENIED


def _last(program: Program) -> Program:
    """The file whose machine code is executed in the end: the interpreter of a script, not the loader of a program."""
    while program.form is ProgramForm.SCRIPT and program.interpreter is not None:
        program = program.interpreter
    return program


def _privileged(program: Program, files: FileFacts) -> PrivilegedFile | None:
    place = program.walk.place
    return next((file for file in files.privileged if place is not None and file.place.path == place.path), None)


def _doubt(program: Program, files: FileFacts) -> str:
    last = _last(program)
    if last.form is ProgramForm.UNREAD:
        return "The first bytes of the program were not kept, so it is not known what it needs to be executed."
    if last.form is ProgramForm.SCRIPT:
        return "The interpreter of the script was not looked at."
    if files.privileged_total > len(files.privileged) and _privileged(last, files) is None:
        return "The image has more privileged programs than are kept, so the command may have capabilities."
    return ""

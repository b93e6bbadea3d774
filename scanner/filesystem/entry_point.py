"""The command of an image as runc looks it up: ``exec.LookPath`` inside the container, in its working directory."""

from __future__ import annotations

from itertools import islice

from scanner.domain.accounts import decode
from scanner.domain.execution import MOST_PATH_FOLDERS
from scanner.domain.files import EntryPoint, Program, ProgramForm, Walk, WalkState, absolute
from scanner.domain.image_config import ImageConfig
from scanner.filesystem import program_head
from scanner.filesystem.walker import Walker, bytes_path

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What Docker, containerd and CRI-O set where the image sets none."""

_MOST_INTERPRETERS = 6  # one more than the kernel follows, so that the last one is seen to be a script
_FORMS = {
    program_head.SCRIPT: ProgramForm.SCRIPT,
    program_head.ELF: ProgramForm.ELF,
    program_head.OTHER: ProgramForm.OTHER,
}


def command(config: ImageConfig) -> tuple[str, ...]:
    """Entrypoint followed by Cmd."""
    return (*(config.entrypoint or ()), *(config.cmd or ()))


def entry_point(walker: Walker, config: ImageConfig) -> EntryPoint | None:
    """Look the command up; ``None`` where there is none, or PATH names more folders than are searched."""
    argv = command(config)
    if not argv:
        return None
    cwd = absolute(config.working_dir)
    if "/" in argv[0]:
        return EntryPoint(argv, (), (_program(walker, _join(cwd, argv[0]), cwd),))
    searched = _searched(config, cwd)
    if len(searched) > MOST_PATH_FOLDERS:
        return None
    # No folder holds a command without a name, and joined to one it would be the folder.
    walks = [walker.walk(f"{folder}/{argv[0]}") for folder in searched] if argv[0] else []
    candidates = tuple(_examined(walker, walk, cwd) for walk in walks if walk.state is WalkState.FOUND)
    return EntryPoint(argv, searched, candidates)


def _searched(config: ImageConfig, cwd: str) -> tuple[str, ...]:
    path = config.environment("PATH")
    folders = (DEFAULT_PATH if path is None else path).split(":")
    if folders == [""]:
        return ()  # Go searches nothing in an empty PATH
    return tuple(islice(dict.fromkeys(_join(cwd, folder) for folder in folders), MOST_PATH_FOLDERS + 1))


def _join(cwd: str, path: str) -> str:
    return absolute(path if path.startswith("/") else f"{cwd}/{path}")


def _program(walker: Walker, path: str, cwd: str, depth: int = 0) -> Program:
    return _examined(walker, walker.walk(path), cwd, depth)


def _examined(walker: Walker, walk: Walk, cwd: str, depth: int = 0) -> Program:
    record = _record(walker, walk)
    if record is None:
        return Program(walk, ProgramForm.UNREAD)
    form = _FORMS.get(record[:1], ProgramForm.UNREAD)
    needs = decode(record[1:])
    if not needs or depth >= _MOST_INTERPRETERS:
        return Program(walk, form, needs)
    # The kernel opens a loader, but does not look for the loader's own.
    below = depth + 1 if form is ProgramForm.SCRIPT else _MOST_INTERPRETERS
    return Program(walk, form, needs, _program(walker, _join(cwd, needs), cwd, below))


def _record(walker: Walker, walk: Walk) -> bytes | None:
    if walk.state is not WalkState.FOUND:
        return None
    position, node = walker.source(bytes_path(walk.resolved))
    return walker.rootfs.layers[position].program(node)

"""Images whose HOME, WORKDIR, VOLUME and command an arbitrary uid can or cannot use: seeded, the same on every run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from random import Random

from tests.support.images import Entry, File, Folder, HardLink, Layer, Stored, Symlink, Whiteout, image, layer
from tests.support.static_probe import static_probe

_FOLDER_MODES = (0o755, 0o775, 0o770, 0o700, 0o777, 0o750, 0o707, 0o1777, 0o2775, 0o711, 0o730, 0o005, 0o070, 0o555)
_FILE_MODES = (0o755, 0o755, 0o755, 0o750, 0o700, 0o711, 0o644, 0o710, 0o070, 0o705, 0o550)
_OWNERS = ((0, 0), (0, 0), (1000, 0), (1000, 1000), (100_000, 1000), (0, 1000))
_HOMES = ("/home/app", "/srv/app/home", "/nowhere", "/link/home", "/data", "/")
_WORKDIRS = ("", "/srv/app", "/srv/app/new", "/link", "/home/app", "/data/in", "relative/app", "/srv/../srv//app/")
_VOLUMES = ((), (), ("/data",), ("/data", "/home/app"), ("/made",), ("/srv/app/state",), ("/link/state",))
_COMMANDS = (
    "/opt/bin/run",
    "run",
    "run",
    "/srv/app/run",
    "/opt/bin/script",
    "script",
    "/opt/bin/linked",
    "/opt/bin/hard",
)
_PATHS = ("/opt/bin:/usr/bin", "/opt/none:/opt/closed:/opt/bin", "/usr/bin:/opt/bin", "")


@dataclass(frozen=True, slots=True)
class Probed:
    """An image, and the paths its command looks at besides the folder it starts in."""

    image: Stored
    paths: tuple[str, ...]


def probed_images(seed: int, count: int) -> Iterator[Probed]:
    """The same for the same seed."""
    dice = Random(seed)
    program = layer({"probe": Folder(), "probe/run": File(static_probe(), 0o755)})
    for _ in range(count):
        yield _probed(dice, program)


def _probed(dice: Random, program: Layer) -> Probed:
    home, path, volumes = dice.choice(_HOMES), dice.choice(_PATHS), dice.choice(_VOLUMES)
    paths = tuple(dict.fromkeys((home, *volumes)))
    env = [f"PROBE={':'.join(paths)}", f"HOME={home}", *([f"PATH={path}"] if path else [])]
    tree = _tree(dice)
    layers = [program, layer(tree), *([layer(_later(dice, tree))] if dice.random() < 0.4 else [])]
    made = image(
        layers,
        user=dice.choice(("", "1000:1000", "0", "app")),
        env=env,
        workdir=dice.choice(_WORKDIRS),
        volumes=volumes,
        entrypoint=[dice.choice(_COMMANDS)],
    )
    return Probed(made, paths)


def _tree(dice: Random) -> dict[str, Entry]:
    folders = ("home", "home/app", "srv", "srv/app", "srv/app/home", "data", "opt", "opt/bin", "opt/closed", "usr/bin")
    tree: dict[str, Entry] = {"usr": Folder(), "tmp": Folder(0o1777)}
    for name in folders:
        if name.startswith(("opt", "srv")) or dice.random() < 0.85:
            tree[name] = _folder(dice, open_to_all=0.7 if name in ("home", "srv", "opt", "opt/bin") else 0.2)
    tree["link"] = Symlink(dice.choice(("srv/app", "/srv/app", "../../srv/app", "srv/../srv/app")))
    tree["opt/bin/run"] = run = _program(dice) if dice.random() < 0.9 else File(static_probe(), 0o4755)
    for place in ("usr/bin/run", "opt/closed/run", "srv/app/run", "run"):
        if dice.random() < 0.4 and (place.rpartition("/")[0] in tree or "/" not in place):
            tree[place] = _program(dice)
    tree["opt/interpreter"] = _program(dice)
    tree["opt/bin/script"] = _owned(
        dice, f"#!{dice.choice(('/opt/interpreter', '/opt/none', ' /opt/interpreter x'))}\n"
    )
    tree["opt/bin/linked"] = Symlink(dice.choice(("run", "/opt/bin/script", "missing")))
    # Of a file that nobody may execute we keep no bytes, even where a link makes it executable: that is unknown.
    executable = run.mode & 0o111
    tree["opt/bin/hard"] = HardLink("opt/bin/run", dice.choice((None, None, _program(dice))) if executable else None)
    return tree


def _later(dice: Random, tree: dict[str, Entry]) -> dict[str, Entry]:
    """What a later layer changes: attributes of folders, files taken away, a folder that becomes a link.

    As builders do it has an entry for each folder above: without, Docker's overlay and others disagree on its mode.
    """
    changes: tuple[tuple[str, Entry], ...] = (
        ("home/app", _folder(dice, 0.5)),
        ("srv/app", _folder(dice, 0.5)),
        ("data", Whiteout()),
        ("usr/bin/run", Whiteout()),
        ("opt/bin/run", _program(dice)),
        ("home", Symlink("srv")),
    )
    chosen = dict(dice.sample(changes, dice.randint(1, 3)))
    if "home" in chosen:
        chosen.pop("home/app", None)
    above = {str(folder) for path in chosen for folder in list(PurePath(path).parents)[:-1]}
    return {path: tree[path] for path in sorted(above) if path in tree and path not in chosen} | chosen


def _folder(dice: Random, open_to_all: float) -> Folder:
    if dice.random() < open_to_all:
        return Folder(0o755)
    return Folder(dice.choice(_FOLDER_MODES), *dice.choice(_OWNERS))


def _program(dice: Random) -> File:
    return _owned(dice, "")


def _owned(dice: Random, script: str) -> File:
    uid, gid = dice.choice(_OWNERS)
    return File(script.encode() or static_probe(), dice.choice(_FILE_MODES), uid, gid)

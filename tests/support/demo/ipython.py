"""The notebook image of Dumpleton 2015, before and after it was made to run with an arbitrary uid."""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.demo.families import DEBIAN, base_history, base_layer, program
from tests.support.images import Entry, File, Folder, Layer, Step, Stored, Symlink, image, layer, nop, run

_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_CONFIG = "jupyter_notebook_config.py"


@dataclass(frozen=True, slots=True)
class _Stage:
    """One state of the Dockerfile; ``fixed`` is group 0 with group-writable folders and HOME set."""

    user: str
    uid: int
    gid: int
    options: str
    fixed: bool


_STAGES = {
    "before": _Stage("ipython", 1000, 1000, "", fixed=False),
    "gid-0": _Stage("ipython", 1000, 0, "--gid 0 ", fixed=True),
    "uid-1001": _Stage("1001", 1001, 0, "--uid 1001 --gid 0 ", fixed=True),
}


def ipython(name: str) -> Stored:
    """``before`` its fix, with ``gid-0``, and with ``uid-1001`` and gid 0."""
    stage = _STAGES[name]
    return image(
        _layers(stage),
        user=stage.user,
        env=[_PATH, "HOME=/home/ipython"] if stage.fixed else [_PATH],
        workdir="/notebooks",
        volumes=["/notebooks"],
        exposed=["8888/tcp"],
        cmd=["jupyter", "notebook", "--no-browser"],
        history=_history(stage),
    )


def _history(stage: _Stage) -> list[Step]:
    folder, owner = ("0775", "root") if stage.fixed else ("0755", "ipython")
    steps = [
        *base_history(DEBIAN),
        run("pip install notebook"),
        run(f'adduser --disabled-password {stage.options}--gecos "IPython" ipython'),
        run(f"mkdir -m {folder} /notebooks && chown ipython:{owner} /notebooks"),
        nop("VOLUME [/notebooks]"),
        nop("WORKDIR /notebooks"),
        nop(f"USER {stage.user}"),
        run(f"mkdir -p -m 0775 ~ipython/.jupyter/ && echo \"c.NotebookApp.ip = '*'\" >> ~ipython/.jupyter/{_CONFIG}"),
    ]
    if stage.fixed:
        steps += [run("chmod -R u+w,g+w /home/ipython"), nop("ENV HOME=/home/ipython")]
    return steps


def _layers(stage: _Stage) -> list[Layer]:
    uid, gid = stage.uid, stage.gid
    account = f"ipython:x:{uid}:{gid}:IPython:/home/ipython:/bin/bash\n"
    accounts = DEBIAN.with_accounts(account, "" if gid == 0 else f"ipython:x:{gid}:\n")
    jupyter: dict[str, Entry] = {"usr/local/bin/jupyter": program("jupyter", 30_000)}
    layers = [
        base_layer(DEBIAN),
        layer(jupyter | {"usr/bin/python3": Symlink("python3.11")}),
        layer(accounts | _home(uid, gid, writable=False)),
        layer({"notebooks": Folder(0o775 if stage.fixed else 0o755, uid, gid)}),
        layer(_profile(uid, gid, writable=False)),
    ]
    if stage.fixed:
        layers.append(layer(_home(uid, gid, writable=True) | _profile(uid, gid, writable=True)))
    return layers


def _home(uid: int, gid: int, *, writable: bool) -> dict[str, Entry]:
    folder, script = (0o775, 0o664) if writable else (0o755, 0o644)
    scripts = {f"home/ipython/{name}": File(b"# skeleton\n", script, uid, gid) for name in (".bashrc", ".profile")}
    return {"home/ipython": Folder(folder, uid, gid), **scripts}


def _profile(uid: int, gid: int, *, writable: bool) -> dict[str, Entry]:
    folder = "home/ipython/.jupyter"
    script = File(b"c.NotebookApp.ip = '*'\n", 0o664 if writable else 0o644, uid, gid)
    return {folder: Folder(0o775, uid, gid), f"{folder}/{_CONFIG}": script}

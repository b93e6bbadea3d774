"""Our own image, built once for all tests of the deployment."""

import shutil
import subprocess

import pytest

from tests.support.engine import Engine
from tests.support.wheels import ROOT, wheelhouse

BASE = "plimsoll-base:bookworm"
IMAGE = "plimsoll:test"


@pytest.fixture(scope="session")
def image(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Build the Dockerfile on a Debian made by debootstrap, with what a clone would hold and wheels beside it."""
    context = tmp_path_factory.mktemp("context")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    for name in told.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (context / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, context / name)
    shutil.copytree(wheelhouse(), context / "wheels")
    engine.import_base(BASE, packages=("python3", "python3-venv"))
    engine.build(context, IMAGE, build_args={"BASE": BASE, "PIP_NO_INDEX": "1"})
    return IMAGE

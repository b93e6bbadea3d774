"""The local stack on Debian's own Postgres (15 in Debian 12: the oldest we support) and Redis, without wheels."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from compliance.localstack.binaries import DEBIAN_POSTGRES
from compliance.localstack.stack import ROOT

# The interpreter that .venv was made with: it has none of the wheels.
BARE_PYTHON = f"{sys.base_prefix}/bin/python3"
# Two commands with the servers' addresses in their environment: the migrations, and a look at who answered.
PROGRAM = """
import json, os, subprocess, sys
import psycopg, redis
from psycopg.rows import scalar_row
for again in range(2):
    subprocess.run([sys.executable, "manage.py", "prepare"], check=True, stdout=sys.stderr)
with psycopg.connect(os.environ["DATABASE_URL"], row_factory=scalar_row) as connection:
    told = {
        "postgres": connection.info.server_version // 10_000,
        "tables": connection.execute("select count(*) from pg_tables where tablename like 'compliance_%'").fetchone(),
        "policies": connection.execute("select count(*) from compliance_policy").fetchone(),
        "data": connection.execute("show data_directory").fetchone(),
    }
with redis.from_url(os.environ["REDIS_URL"]) as client:
    told["redis"] = client.config_get("maxmemory-policy")["maxmemory-policy"]
    told["program"] = client.info("server")["executable"]
print(json.dumps(told))
"""


def test_everything_is_prepared_on_the_servers_of_the_system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    installed = [int(path.name) for path in DEBIAN_POSTGRES.iterdir() if (path / "bin" / "initdb").exists()]
    # As in most containers: no user namespaces, so that root has to hand Postgres to nobody.
    (tmp_path / "unshare").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "unshare").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name)
    command = [BARE_PYTHON, "-m", "compliance.localstack", "run", "--temporary", "--", sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["postgres"] == max(installed)
    assert told["program"] == shutil.which("redis-server")
    assert told["data"].startswith("/var/tmp/plimsoll-")
    assert (told["tables"] > 10, told["policies"] > 2, told["redis"]) == (True, True, "noeviction")

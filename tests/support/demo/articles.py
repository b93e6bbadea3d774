"""The images of the five articles, as their Dockerfiles would build them.

Articles: Dumpleton 2015 (ipython) and 2016 (best-practices), Cane 2018 (redis), Henderson 2018 (node, scratch, figlet),
"Friends don't let friends run containers as root" 2021 (foo). ``ANSWERS`` is what ``id`` prints in each on Docker.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from tests.support.demo.families import (
    ALPINE,
    DEBIAN,
    UBI,
    base_history,
    base_layer,
    program,
)
from tests.support.demo.ipython import ipython
from tests.support.images import Entry, File, Folder, Stored, copied, image, layer, nop, run

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_APP_PASSWD = "app:x:1001:1001::/app:/bin/bash\n"
_APP_GROUP = "app:x:1001:\n"


def redis(user: str, platform: str = "linux/amd64") -> Stored:
    """Cane: a redis on Ubuntu, first without USER, then with ``USER 9000``."""
    install = "apt-get update --fix-missing &&    apt-get install -y redis-server &&    rm -rf /var/lib/apt/lists/*"
    accounts = DEBIAN.with_accounts("redis:x:101:101::/var/lib/redis:/usr/sbin/nologin\n", "redis:x:101:\n")
    server = layer(
        accounts
        | {
            "usr/bin/redis-server": program("redis-server", 30_000),
            "var/lib/redis": Folder(0o750, 101, 101),
            "etc/redis": Folder(0o2770, 101, 101),
            "etc/redis/redis.conf": File(b"bind 127.0.0.1 -::1\nport 6379\n", 0o640, 101, 101),
        }
    )
    return image(
        [base_layer(DEBIAN, platform), server],
        user=user,
        platform=platform,
        cmd=["/bin/sh", "-c", "redis-server"],
        exposed=["6379/tcp"],
        history=[
            *base_history(DEBIAN),
            run(install),
            *([nop(f"USER {user}")] if user else []),
            nop("EXPOSE 6379"),
            nop('CMD ["/bin/sh" "-c" "redis-server"]'),
        ],
    )


def best_practices(user: str, *, remapped: bool = False) -> Stored:
    """Dumpleton 2016: ``app`` 1001, its line rewritten to uid 0 by a later ``sed`` where ``remapped``."""
    home: dict[str, Entry] = {"app": Folder(0o700, 1001, 1001), "app/.bashrc": File(b"# .bashrc\n", 0o644, 1001, 1001)}
    layers = [
        base_layer(UBI),
        layer({"etc": Folder(), "etc/group": File((UBI.group + _APP_GROUP).encode())}),
        layer(UBI.with_accounts(_APP_PASSWD) | home),
    ]
    steps = [*base_history(UBI), run("groupadd --gid 1001 app"), run("useradd --uid 1001 --gid app --home /app app")]
    if remapped:
        layers.append(layer(UBI.with_accounts(_APP_PASSWD.replace("1001", "0"))))
        steps.append(run("sed -i -e 's/1001/0/g' /etc/passwd"))
    layers.append(layer({"app": Folder(0o700, 1001, 1001), "app/Dockerfile": File(b"FROM centos:centos7\n")}))
    steps += [copied("dir:3f1c9d08b7a2 in /app"), nop("WORKDIR /app"), nop(f"USER {user}")]
    return image(layers, user=user, env=[PATH], workdir="/app", cmd=["/bin/bash"], history=steps)


def node(user: str) -> Stored:
    """Henderson: a node service as ``fakeuser`` 64000, or as ``nobody``."""
    accounts = DEBIAN.with_accounts("fakeuser:x:64000:64000::/home/fakeuser:/bin/sh\n", "fakeuser:x:64000:\n")
    app: dict[str, Entry] = {
        "app": Folder(0o755, 65534),
        "app/index.js": File(b"require('http').createServer().listen(8080)\n", 0o644, 65534),
    }
    layers = [base_layer(DEBIAN), layer({"usr/local/bin/node": program("node", 40_000)}), layer(app)]
    steps = [
        *base_history(DEBIAN),
        run("curl -fsSLO node-v10.1.0-linux-x64.tar.xz && tar -xJf node-v10.1.0-linux-x64.tar.xz -C /usr/local"),
        run("mkdir -p /app && chown -R nobody /app"),
        nop("WORKDIR /app"),
    ]
    if user == "fakeuser":
        layers.append(layer(accounts))
        steps.append(run("groupadd -g 64000 fakeuser &&     useradd -r -u 64000 -g fakeuser fakeuser"))
    steps += [nop(f"USER {user}"), nop('CMD ["node" "."]')]
    return image(layers, user=user, env=[PATH, "NODE_VERSION=10.1.0"], workdir="/app", cmd=["node", "."], history=steps)


def scratch(user: str) -> Stored:
    """Henderson: one static program on scratch, with the passwd of another stage or none."""
    layers = [layer({"dosomething": program("dosomething", 20_000)})]
    steps = [copied("file:8a1f0d3bb14f in /dosomething")]
    if user == "scratchuser":
        passwd = DEBIAN.passwd + "scratchuser:x:10001:10001::/home/scratchuser:/bin/sh\n"
        layers.append(layer({"etc": Folder(), "etc/passwd": File(passwd.encode())}))
        steps.append(copied("file:f7e1c26a90d4 in /etc/passwd"))
    steps += [nop(f"USER {user}"), nop('ENTRYPOINT ["/dosomething"]')]
    return image(layers, user=user, env=[PATH], entrypoint=["/dosomething"], history=steps)


def figlet() -> Stored:
    """Henderson: software installed in the Dockerfile, then ``USER 65000:65000``."""
    layers = [base_layer(ALPINE), layer({"usr/bin/figlet": program("figlet", 8_000)})]
    steps = [
        *base_history(ALPINE),
        run("apk add --no-cache figlet"),
        nop("USER 65000:65000"),
        nop('ENTRYPOINT ["figlet"]'),
    ]
    return image(layers, user="65000:65000", entrypoint=["figlet"], history=steps)


def foo(user: str) -> Stored:
    """The 2021 article: alpine with ``johndoe`` 3000, ``USER 3000`` and ``USER 3000:0``."""
    accounts = ALPINE.with_accounts("johndoe:x:3000:3000::/home/johndoe:/sbin/nologin\n", "groupFoo:x:3000:\n")
    owner = int(user.partition(":")[2] or 3000)
    app: dict[str, Entry] = {
        "app": Folder(),
        "app/foo": Folder(0o775, 3000, owner),
        "app/foo/docker-entrypoint.sh": File(b"#!/bin/sh\nexec sleep 1d\n", 0o775, 3000, owner),
    }
    steps = [
        *base_history(ALPINE),
        run("addgroup -S -g 3000 groupFoo"),
        run("adduser -S -u 3000 -G groupFoo johndoe"),
        copied(f"--chown=3000:{owner} dir:77ab1042ce31 in /app/foo"),
        nop(f"USER {user}"),
        nop('ENTRYPOINT ["/app/foo/docker-entrypoint.sh"]'),
    ]
    group = layer({"etc": Folder(), "etc/group": File((ALPINE.group + "groupFoo:x:3000:\n").encode())})
    home: dict[str, Entry] = {"home/johndoe": Folder(0o2755, 3000, 3000)}
    layers = [base_layer(ALPINE), group, layer(accounts | home), layer(app)]
    return image(layers, user=user, entrypoint=["/app/foo/docker-entrypoint.sh"], history=steps)


RECIPES: dict[str, Callable[[], Stored]] = {
    "articles/redis:root": lambda: redis(""),
    "articles/redis:user-9000": lambda: redis("9000"),
    "articles/best-practices:named": lambda: best_practices("app"),
    "articles/best-practices:numeric": lambda: best_practices("1001"),
    "articles/best-practices:remapped": lambda: best_practices("app", remapped=True),
    "articles/best-practices:remapped-numeric": lambda: best_practices("1001", remapped=True),
    "articles/node:fakeuser": lambda: node("fakeuser"),
    "articles/node:nobody": lambda: node("nobody"),
    "articles/scratch:copied-passwd": lambda: scratch("scratchuser"),
    "articles/scratch:numeric": lambda: scratch("10001:10001"),
    "articles/figlet:latest": figlet,
    "articles/ipython:before": lambda: ipython("before"),
    "articles/ipython:gid-0": lambda: ipython("gid-0"),
    "articles/ipython:uid-1001": lambda: ipython("uid-1001"),
    "articles/foo:3000": lambda: foo("3000"),
    "articles/foo:3000-0": lambda: foo("3000:0"),
}

ANSWERS: dict[str, tuple[int, int]] = {
    "articles/redis:root": (0, 0),
    "articles/redis:user-9000": (9000, 0),
    "articles/best-practices:named": (1001, 1001),
    "articles/best-practices:numeric": (1001, 1001),
    "articles/best-practices:remapped": (0, 0),
    "articles/best-practices:remapped-numeric": (1001, 0),
    "articles/node:fakeuser": (64000, 64000),
    "articles/node:nobody": (65534, 65534),
    "articles/scratch:copied-passwd": (10001, 10001),
    "articles/scratch:numeric": (10001, 10001),
    "articles/figlet:latest": (65000, 65000),
    "articles/ipython:before": (1000, 1000),
    "articles/ipython:gid-0": (1000, 0),
    "articles/ipython:uid-1001": (1001, 0),
    "articles/foo:3000": (3000, 3000),
    "articles/foo:3000-0": (3000, 0),
}


@cache
def article_images() -> dict[str, Stored]:
    """``repository:tag`` → image, for every image of the articles."""
    return {name: recipe() for name, recipe in RECIPES.items()}

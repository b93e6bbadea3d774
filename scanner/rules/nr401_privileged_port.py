"""NR401: it means to listen where, by old custom, only root may."""

from __future__ import annotations

import re
from collections.abc import Sequence

from scanner.domain.citations import (
    CIS_PORTS,
    DOCKERFILE_EXPOSE,
    KERNEL_PORTS,
    NIST_800_190,
    OPENSHIFT_IMAGES,
    STOP_ROOT,
)
from scanner.domain.facts import ImageFacts
from scanner.domain.file_evidence import MOST_SHOWN
from scanner.domain.file_fixes import remedy
from scanner.domain.printable import printable, quoted
from scanner.domain.rule import Example, Finding, Rule, ok, unknown
from scanner.domain.verdict import Evidence, Outcome, Severity

_KEY = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?(?:/([A-Za-z]+))?", re.ASCII)
_PROTOCOLS = ("", "tcp", "udp", "sctp")
_HIGHEST = 65_535
_FIRST_FREE = 1_024
_MOVED_BY = 8_000
_MOST_LINES = 8
_WHERE = (
    "It still works on Docker since 20.10 with its own network and on Kubernetes with containerd 2, which free low "
    "ports for everybody; not on OpenShift and CRI-O, Podman, containerd 1, or with the host's network"
)


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """Ports of EXPOSE from 1 to 1023; what cannot be read as a port could be any."""
    if not facts.config.exposed_ports:
        return ok()
    ranges = {key: _ports(key) for key in facts.config.exposed_ports}
    low = [key for key, ports in ranges.items() if ports is not None and ports[1] > 0 and ports[0] < _FIRST_FREE]
    if low:
        said = f"It exposes {_listed(low)}, below {_FIRST_FREE}. {_WHERE}."
        first = [max(1, (ranges[key] or (1, 1))[0]) for key in low]
        return Finding(
            Outcome.VIOLATED, said, tuple(_evidence(facts, key) for key in low[:MOST_SHOWN]), _fix(said, first)
        )
    odd = [key for key, ports in ranges.items() if ports is None]
    return unknown(f"EXPOSE has {_listed(odd)}, which is no port: it could be any.") if odd else ok()


def _ports(key: str) -> tuple[int, int] | None:
    """First and last port of a key such as ``80/tcp`` or ``8000-8010``; ``None`` for anything else."""
    found = _KEY.fullmatch(key)
    if found is None or (found[3] or "").lower() not in _PROTOCOLS:
        return None
    first, last = int(found[1]), int(found[2] or found[1])
    return (first, last) if first <= last <= _HIGHEST else None


def _listed(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - 3:,} more" if len(keys) > 3 else ""
    return ", ".join(quoted(key) for key in keys[:3]) + more


def _evidence(facts: ImageFacts, key: str) -> Evidence:
    return {
        "pointer": "/config/ExposedPorts",
        "declared": printable(key, longest=100),
        "config": facts.config_digest,
    }


def _fix(said: str, ports: Sequence[int]) -> str:
    moved = [(port, port + _MOVED_BY) for port in dict.fromkeys(ports)][:_MOST_LINES]
    old, new = moved[0]
    prose = f"{said} Let the server listen on a port from {_FIRST_FREE} up; the outside need not notice."
    service = f"Whoever called port {old} still does: `ports: [{{port: {old}, targetPort: {new}}}]` in the Service, "
    service += f'`ports: ["{old}:{new}"]` in Compose.'
    sysctl = "net.ipv4.ip_unprivileged_port_start"
    return remedy(
        f"{prose} {service}",
        [f"EXPOSE {after}" for _, after in moved],
        ("securityContext:  # of the pod", "  sysctls:", f"    - name: {sysctl}", '      value: "0"'),
        ("sysctls:", f"  {sysctl}: 0"),
    )


RULE = Rule(
    id="NR401",
    slug="privileged-port",
    title="Listens below port 1024",
    why="Low ports are the commonest reason given for running as root, and some platforms still refuse them to others.",
    severity=Severity.LOW,
    references=(STOP_ROOT, OPENSHIFT_IMAGES, CIS_PORTS, NIST_800_190, KERNEL_PORTS, DOCKERFILE_EXPOSE),
    violating=Example("The port of HTTP", "FROM debian:12\nEXPOSE 80\nUSER 10001:10001\nCMD server"),
    fine=Example("A port everybody may have", "FROM debian:12\nEXPOSE 8080\nUSER 10001:10001\nCMD server"),
    check=check,
    decided=(
        "The keys of `ExposedPorts` are read as `port`, `first-last`, with or without `/tcp`, `/udp` or `/sctp`. One "
        "port from 1 to 1023 is enough. It counts for images that run as root too, because the port is what stands in "
        "the way of another USER, and OpenShift runs them as somebody else anyway. EXPOSE is what the image says of "
        "itself; what the process binds is not known."
    ),
)

"""The ``security.capability`` attribute: capabilities a file brings to whoever executes it.

Source: Linux ``get_vfs_caps_from_disk``, ``bprm_caps_from_vfs_caps``, ``validheader`` (``security/commoncap.c``) and
``include/uapi/linux/capability.h``.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

_NAMES = (
    "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service "
    "net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin "
    "sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override "
    "mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore"
)
CAPABILITIES = tuple(f"cap_{name}" for name in _NAMES.split())
"""By bit, as ``getcap`` spells them."""

NO_CAPABILITIES: frozenset[str] = frozenset()
"""The bounding set under ``drop: [ALL]``: Pod Security *restricted*, OpenShift restricted-v2."""

_DOCKER = (
    "chown dac_override fsetid fowner mknod net_raw setgid setuid setfcap setpcap net_bind_service sys_chroot kill "
    "audit_write"
)
DOCKER_DEFAULT = frozenset(f"cap_{name}" for name in _DOCKER.split())
"""The bounding set Docker and containerd give without settings (moby ``oci/caps/defaults.go``)."""

PODMAN_DEFAULT = DOCKER_DEFAULT - {"cap_net_raw", "cap_mknod", "cap_audit_write"}
"""The same of Podman (containers-common ``config/default.go``)."""

_SIZES = {1: 12, 2: 20, 3: 24}
_EFFECTIVE = 1
_WORD = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class FileCapability:
    """What one file's attribute says.

    :param permitted: names in the order of their bits; a bit without a name is ``cap_41`` and so on.
    :param effective: whether the capabilities are in force at once, without the program asking for them.
    :param rootid: the user namespace it counts in, by the id of its root on the host; only in revision 3.
    :param problem: why the kernel refuses the attribute, as the end of *its attribute …*; empty where it is in order.
    """

    revision: int
    permitted: tuple[str, ...] = ()
    inheritable: tuple[str, ...] = ()
    effective: bool = False
    rootid: int | None = None
    problem: str = ""

    @property
    def text(self) -> str:
        """As ``getcap`` prints it, such as ``cap_net_bind_service=ep``; the problem where there is one."""
        if self.problem:
            return f"malformed: {self.problem}"
        flags: dict[str, list[str]] = {}
        for name in dict.fromkeys((*self.permitted, *self.inheritable)):
            held = "ei" if name not in self.permitted else "eip" if name in self.inheritable else "ep"
            flags.setdefault(held if self.effective else held.removeprefix("e"), []).append(name)
        return " ".join(f"{','.join(names)}={held}" for held, names in flags.items()) or "="

    def stops_exec(self, bounding: frozenset[str]) -> bool:
        """Whether ``execve`` answers *operation not permitted*, root or not.

        The effective bit tells the kernel that the program cannot do without its permitted capabilities, so one
        that is missing from the bounding set stops it. Bits without a name are masked off.

        :param bounding: the container's bounding set, such as ``NO_CAPABILITIES`` or ``DOCKER_DEFAULT``.
        """
        return self.effective and any(name in _KNOWN and name not in bounding for name in self.permitted)


_KNOWN = frozenset(CAPABILITIES)


def decode(raw: bytes) -> FileCapability:
    """Read the raw attribute; bytes the kernel would refuse come back with ``problem`` set."""
    if len(raw) < _WORD.size:
        return FileCapability(0, problem=f"has {len(raw)} bytes, which is too short for a revision")
    magic = _word(raw, 0)
    revision = magic >> 24
    size = _SIZES.get(revision)
    if size is None:
        return FileCapability(revision, problem=f"is of revision {revision}, which no kernel knows")
    if len(raw) != size:
        return FileCapability(revision, problem=f"has {len(raw)} bytes, where revision {revision} has {size}")
    upper = revision > 1
    return FileCapability(
        revision,
        _names(_word(raw, 4) | (_word(raw, 12) << 32 if upper else 0)),
        _names(_word(raw, 8) | (_word(raw, 16) << 32 if upper else 0)),
        effective=bool(magic & _EFFECTIVE),
        rootid=_word(raw, 20) if revision == 3 else None,
    )


def _word(raw: bytes, at: int) -> int:
    found: int = _WORD.unpack_from(raw, at)[0]
    return found


def _names(bits: int) -> tuple[str, ...]:
    return tuple(
        CAPABILITIES[bit] if bit < len(CAPABILITIES) else f"cap_{bit}" for bit in range(64) if bits & (1 << bit)
    )

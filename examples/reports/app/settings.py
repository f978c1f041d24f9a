"""Settings from the environment, checked once at start. A wrong one ends the program with a sentence that names it."""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


class SettingsError(SystemExit):
    """Ends the program; the message never holds a value, since URLs hold passwords."""


@dataclass(frozen=True)
class Settings:
    broker_url: str
    #: Where results and report records are kept; the broker unless told otherwise.
    result_url: str
    #: Where finished reports are written.
    reports_dir: Path
    log_level: str
    #: Share of the ledger's answers that are "try again", 0 to 1.
    ledger_unavailable_rate: float
    #: How long the ledger takes for a thousand rows.
    ledger_seconds_per_1000_rows: float
    #: The hard time limit of a task; the soft one is a tenth shorter.
    task_seconds: int


def load_settings(environment=None):
    """Read and check all settings. Raises SettingsError naming the variable, what it must be and an example."""
    env = os.environ if environment is None else environment
    broker_url = _url(env, "CELERY_BROKER_URL", None)
    return Settings(
        broker_url=broker_url,
        result_url=_url(env, "CELERY_RESULT_BACKEND", broker_url),
        reports_dir=Path(env.get("REPORTS_DIR", "finished-reports")),
        log_level=_choice(env, "LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
        ledger_unavailable_rate=_number(env, "LEDGER_UNAVAILABLE_RATE", 0.05, 0, 1),
        ledger_seconds_per_1000_rows=_number(env, "LEDGER_SECONDS_PER_1000_ROWS", 0.5, 0, 60),
        task_seconds=int(_number(env, "TASK_SECONDS", 300, 10, 3000)),
    )


def _url(env, name, default):
    value = env.get(name) or default
    if not value:
        raise SettingsError(f"{name} is not set. Give a Redis URL, for example redis://127.0.0.1:6379/0")
    try:
        scheme = urlsplit(value).scheme
    except ValueError:
        scheme = ""
    if scheme not in ("redis", "rediss"):
        raise SettingsError(f"{name} must begin with redis:// or rediss://, for example redis://127.0.0.1:6379/0")
    return value


def _number(env, name, default, low, high):
    text = env.get(name, "")
    try:
        value = float(text) if text else float(default)
    except ValueError:
        value = None
    if value is None or not low <= value <= high:
        raise SettingsError(f"{name} must be a number from {low} to {high}, for example {default}")
    return value


def _choice(env, name, default, allowed):
    value = env.get(name, default).upper()
    if value not in allowed:
        raise SettingsError(f"{name} must be one of {', '.join(allowed)}")
    return value

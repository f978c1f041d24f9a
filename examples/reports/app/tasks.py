"""The work. Every task may run twice (a worker can die after the work and before the acknowledgement), so each is written so that
running it again does no harm; only then is acks_late right."""

import csv
import os
import time

import structlog

from app.celery_app import celery_app, settings
from app.ledger import LedgerUnavailable, UnknownAccount, ping, read_rows

log = structlog.get_logger("reports.tasks")


@celery_app.task(
    bind=True,
    name="reports.build",
    acks_late=True,
    # A report that kills its worker must not kill one worker after the other.
    reject_on_worker_lost=False,
    autoretry_for=(LedgerUnavailable,),
    retry_backoff=1,
    retry_backoff_max=60,
    retry_jitter=True,
    max_retries=5,
    throws=(UnknownAccount,),
)
def build(self, account, rows):
    """Write the report as CSV and return {rows, totalCents, bytes}. The file's name is the task's id, so a second run replaces it."""
    log.info("report started", rows=rows)
    begin = time.monotonic()
    settings.reports_dir.mkdir(parents=True, exist_ok=True)
    target = report_file(self.request.id)
    # Readers see the whole report or none.
    draft = target.with_suffix(f".{os.getpid()}.draft")
    total = 0
    try:
        with draft.open("w", newline="", encoding="utf-8") as handle:
            writer = csv.writer(handle)
            writer.writerow(["number", "text", "cents"])
            for number, text, cents in read_rows(account, rows):
                writer.writerow([number, text, cents])
                total += cents
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    size = target.stat().st_size
    log.info("report finished", rows=rows, bytes=size, seconds=round(time.monotonic() - begin, 3))
    return {"rows": rows, "totalCents": total, "bytes": size}


@celery_app.task(name="maintenance.expire_reports", acks_late=True)
def expire_reports(older_than_seconds=24 * 3600):
    """Delete finished reports, and drafts of workers that died, that are older. Returns how many."""
    limit = time.time() - older_than_seconds
    removed = 0
    for path in settings.reports_dir.glob("*"):
        if path.suffix not in (".csv", ".draft"):
            continue
        try:
            if path.stat().st_mtime < limit:
                path.unlink()
                removed += 1
        except FileNotFoundError:
            # Another run was faster.
            continue
    log.info("old reports removed", removed=removed)
    return removed


@celery_app.task(
    name="maintenance.check_ledger", autoretry_for=(LedgerUnavailable,), retry_backoff=1, max_retries=2
)
def check_ledger():
    """Seconds the ledger took to answer; fails after two retries when it does not."""
    seconds = ping()
    log.info("ledger answers", seconds=round(seconds, 4))
    return seconds


def report_file(report_id):
    """Where the report of that id is, once finished. `report_id` must be a UUID: it becomes a file name."""
    return settings.reports_dir / f"{report_id}.csv"

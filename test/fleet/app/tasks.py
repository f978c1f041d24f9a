"""Tasks with outcomes known in advance. Each run appends {id, task, queue, retries, outcome, start, end} to the truth file."""

import time
from contextlib import contextmanager

from app.celery_app import app
from app.truth import write
from celery.exceptions import Retry


class Planned(Exception):
    """The failure a task was told to have."""


@contextmanager
def written_down(task):
    request = task.request
    record = {
        "id": request.id,
        "task": task.name,
        "queue": (request.delivery_info or {}).get("routing_key"),
        "worker": request.hostname,
        "retries": request.retries,
        "start": time.time(),
    }
    outcome = "succeeded"
    try:
        yield
    except Retry:
        outcome = "retried"
        raise
    except BaseException:
        outcome = "failed"
        raise
    finally:
        write({**record, "end": time.time(), "outcome": outcome})


@app.task(bind=True, name="fleet.work")
def work(self, seconds):
    """Succeed after `seconds`."""
    with written_down(self):
        time.sleep(seconds)
    return seconds


@app.task(bind=True, name="fleet.fail")
def fail(self, seconds):
    """Fail with `Planned` after `seconds`."""
    with written_down(self):
        time.sleep(seconds)
        raise Planned("as planned")


@app.task(bind=True, name="fleet.flaky", max_retries=None)
def flaky(self, seconds, failures, countdown):
    """Retry `failures` times, `countdown` seconds later each time, then succeed."""
    with written_down(self):
        time.sleep(seconds)
        if self.request.retries < failures:
            raise self.retry(exc=Planned("not yet"), countdown=countdown)
    return failures


@app.task(name="fleet.confide")
def confide(*args, fail=None, seconds=0.0, **kwargs):
    """Return what was told, or fail with `fail` as the message; arguments and results are for nobody else to see."""
    time.sleep(seconds)
    if fail is not None:
        raise ValueError(fail)
    return {"args": args, "kwargs": kwargs}

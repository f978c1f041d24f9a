"""One correlation id from the HTTP request to the last retry of the last task it causes.

HTTP: taken from X-Correlation-ID when that is well-formed, else made new; always sent back. Tasks: carried in a message header of
its own. Celery has a property called correlation_id already (it equals the task's id), so the header has another name.
"""

import re
import uuid

import structlog
from celery import signals

HTTP_HEADER = b"x-correlation-id"
TASK_HEADER = "x_correlation_id"
WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{8,64}")


def accept(candidate):
    """The candidate when it is well-formed, else a new id: nobody writes what they like into our logs."""
    if isinstance(candidate, str) and WELL_FORMED.fullmatch(candidate):
        return candidate
    return str(uuid.uuid4())


def current():
    """The id of what runs now, or None."""
    return structlog.contextvars.get_contextvars().get("correlation_id")


class CorrelationMiddleware:
    """Plain ASGI, so that the id is bound in the very context in which the endpoint runs."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = [value for name, value in scope["headers"] if name == HTTP_HEADER]
        correlation_id = accept(given[0].decode("latin-1") if len(given) == 1 else None)

        async def send_with_id(message):
            if message["type"] == "http.response.start":
                message.setdefault("headers", [])
                message["headers"] = [*message["headers"], (HTTP_HEADER, correlation_id.encode())]
            await send(message)

        structlog.contextvars.clear_contextvars()
        with structlog.contextvars.bound_contextvars(correlation_id=correlation_id):
            await self.app(scope, receive, send_with_id)


def connect_celery():
    """Carry the id with every task that is published and bind it around every task that runs."""
    # weak=False: these functions have no other owner.
    signals.before_task_publish.connect(_put_into_message, weak=False)
    signals.task_prerun.connect(_bind, weak=False)
    signals.task_postrun.connect(_unbind, weak=False)


def _put_into_message(headers=None, **_):
    correlation_id = current()
    if headers is not None and correlation_id is not None:
        headers[TASK_HEADER] = correlation_id


def _bind(task_id=None, task=None, **_):
    structlog.contextvars.clear_contextvars()
    # Messages come from elsewhere too: what they carry is checked like a request header.
    structlog.contextvars.bind_contextvars(
        correlation_id=accept(task.request.get(TASK_HEADER)),
        task_id=task_id,
        task=task.name,
        retries=task.request.retries,
    )


def _unbind(**_):
    structlog.contextvars.clear_contextvars()

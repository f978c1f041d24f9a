"""The HTTP side: takes orders, tells how they stand, hands reports out."""

import time
import uuid
from enum import Enum

import redis
import structlog
from celery.result import AsyncResult
from fastapi import FastAPI, HTTPException
from fastapi.responses import FileResponse, JSONResponse
from kombu.exceptions import OperationalError
from pydantic import BaseModel, Field

from app.celery_app import celery_app, settings
from app.correlation import CorrelationMiddleware
from app.log import configure_logging
from app.tasks import build, check_ledger, expire_reports, report_file

configure_logging(settings.log_level)

#: A request must not hang when the broker is away: two quick tries, then 503. Workers keep Celery's own patience.
IMPATIENT = {"max_retries": 2, "interval_start": 0.1, "interval_step": 0.2, "interval_max": 0.5}
celery_app.conf.update(
    task_publish_retry_policy=IMPATIENT,
    # Sending a task also subscribes to its result, with a policy of its own that tries for 19 seconds.
    result_backend_transport_options={"retry_policy": IMPATIENT},
)

log = structlog.get_logger("reports.api")

#: One client for the process, and no call that may hang.
store = redis.Redis.from_url(settings.result_url, socket_connect_timeout=2, socket_timeout=2, decode_responses=True)
RECORD_SECONDS = 24 * 3600
UNAVAILABLE = "The queue cannot be reached. Nothing was ordered; try again."
STATES = {"PENDING": "queued", "STARTED": "running", "RETRY": "retrying", "SUCCESS": "finished", "FAILURE": "failed"}

app = FastAPI(title="Reports")


class ReportOrder(BaseModel):
    account: str = Field(min_length=3, max_length=40)
    rows: int = Field(default=500, ge=1, le=200_000)


class MaintenanceJob(str, Enum):
    expire_reports = "expire_reports"
    check_ledger = "check_ledger"


class MaintenanceOrder(BaseModel):
    job: MaintenanceJob


# Endpoints are plain functions: they run in threads, so that waiting for Redis never stops the other requests.


@app.post("/reports", status_code=202)
def order_report(order: ReportOrder):
    """Order a report. Its id is also the id of its Celery task."""
    report_id = str(uuid.uuid4())
    try:
        store.set(_record(report_id), order.account, ex=RECORD_SECONDS)
        build.apply_async((order.account, order.rows), task_id=report_id)
    except (redis.RedisError, OperationalError) as error:
        log.error("report not ordered", error=type(error).__name__)
        raise HTTPException(status_code=503, detail=UNAVAILABLE) from None
    log.info("report ordered", report_id=report_id, rows=order.rows)
    return {"id": report_id, "state": "queued"}


@app.get("/reports/{report_id}")
def read_report(report_id: uuid.UUID):
    """How an order stands."""
    result = _result_of(report_id)
    answer = {"id": str(report_id), "state": STATES.get(result.state, "queued")}
    if result.state == "SUCCESS":
        answer["report"] = result.result
    elif result.state == "FAILURE":
        # The class alone: messages may hold what callers must not see.
        answer["reason"] = type(result.result).__name__
    return answer


@app.get("/reports/{report_id}/file")
def read_report_file(report_id: uuid.UUID):
    """The finished report as CSV."""
    path = report_file(report_id)
    if _result_of(report_id).state != "SUCCESS" or not path.exists():
        raise HTTPException(status_code=409, detail="The report is not finished.")
    return FileResponse(path, media_type="text/csv", filename=f"report-{report_id}.csv")


@app.post("/maintenance", status_code=202)
def order_maintenance(order: MaintenanceOrder):
    """Order a maintenance job on the queue `default`."""
    task = {MaintenanceJob.expire_reports: expire_reports, MaintenanceJob.check_ledger: check_ledger}[order.job]
    try:
        result = task.apply_async()
    except OperationalError as error:
        log.error("maintenance not ordered", error=type(error).__name__)
        raise HTTPException(status_code=503, detail=UNAVAILABLE) from None
    log.info("maintenance ordered", job=order.job.value, ordered_task=result.id)
    return {"id": result.id, "job": order.job.value}


@app.get("/health")
def health():
    """Liveness: this process answers. It says nothing about others, so that their outage restarts nobody."""
    return {"status": "ok"}


@app.get("/ready")
def ready():
    """Readiness: the broker answers, within two seconds. What went wrong is in the log, not in the answer."""
    try:
        store.ping()
    except redis.RedisError as error:
        log.warning("not ready", error=type(error).__name__)
        return JSONResponse({"status": "unavailable", "reason": "broker_unreachable"}, status_code=503)
    return {"status": "ok"}


class RequestLogMiddleware:
    """One line a request, with its outcome and time."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begin = time.monotonic()
        status = 500

        async def send_and_note(message):
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        finally:
            seconds = round(time.monotonic() - begin, 4)
            log.info("request", method=scope["method"], path=scope["path"], status=status, seconds=seconds)


# The last one added is the outermost: every line about a request has the id.
app.add_middleware(RequestLogMiddleware)
app.add_middleware(CorrelationMiddleware)


def _record(report_id):
    return f"report:{report_id}"


def _result_of(report_id):
    """The task's result. Raises 404 for an id that was never ordered: Celery itself calls any unknown id PENDING."""
    try:
        if not store.exists(_record(report_id)):
            raise HTTPException(status_code=404, detail="No such report.")
        result = AsyncResult(str(report_id), app=celery_app)
        # Fetched here, while a failure can still be answered.
        _ = result.state
        return result
    except redis.RedisError:
        raise HTTPException(status_code=503, detail="The report store cannot be reached.") from None

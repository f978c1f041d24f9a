"""The Celery application: queues, routes, limits, and what a monitor needs to see."""

from celery import Celery, signals
from kombu import Exchange, Queue

from app.correlation import connect_celery
from app.log import configure_logging
from app.settings import load_settings

settings = load_settings()

DIRECT = Exchange("celery", type="direct")

#: After this long Redis hands an unacknowledged message to another worker. It must be longer than the longest task and the longest
#: countdown, or work is done twice.
VISIBILITY_SECONDS = 2 * settings.task_seconds + 600

celery_app = Celery("reports", broker=settings.broker_url, backend=settings.result_url, include=["app.tasks"])
celery_app.conf.update(
    task_queues=[Queue("reports", DIRECT, routing_key="reports"), Queue("default", DIRECT, routing_key="default")],
    task_default_queue="default",
    task_routes={"reports.*": {"queue": "reports"}, "maintenance.*": {"queue": "default"}},
    # What a monitor lives on: every worker tells what it does, every sender tells what it sent.
    worker_send_task_events=True,
    task_send_sent_event=True,
    task_track_started=True,
    # JSON only: a message must not be able to run code.
    task_serializer="json",
    result_serializer="json",
    accept_content=["json"],
    result_expires=24 * 3600,
    # Long tasks: take one at a time, so that a free worker never waits for a busy one's buffer.
    worker_prefetch_multiplier=1,
    task_time_limit=settings.task_seconds,
    task_soft_time_limit=settings.task_seconds * 9 // 10,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        "visibility_timeout": VISIBILITY_SECONDS,
        "socket_connect_timeout": 5,
        "socket_timeout": 30,
        "socket_keepalive": True,
    },
)


@signals.setup_logging.connect(weak=False)
def _own_logging(**_):
    """Being connected is what keeps Celery from setting up logging of its own."""
    configure_logging(settings.log_level)


connect_celery()

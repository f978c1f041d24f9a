"""A Celery app for tests: every task writes down, by its own clock, when it ran and how it ended.

Environment: CELERY_BROKER_URL (required); FLEET_TRUTH_FILE, the file that tasks append to (required in workers); FLEET_SETTINGS, Celery
settings as a JSON object, which win over those here.
"""

import json
import os

from celery import Celery

QUEUES = ("reports", "default")

app = Celery("fleet", broker=os.environ["CELERY_BROKER_URL"], include=["app.tasks", "app.trouble"])
app.conf.update(
    # The tests count events, not results; without a backend nothing else is written to the broker.
    result_backend=None,
    task_ignore_result=True,
    task_send_sent_event=True,
    # The queues are deliberately not in task_queues: Celery up to 5.2 forgets, when it reconnects, that it was told to consume a queue
    # that stands there (`worker/consumer/consumer.py`, `add_task_queue`).
    worker_prefetch_multiplier=4,
    # A worker must outlive a broker that is killed and restarted by a test.
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={"priority_steps": [0, 3, 6, 9], "queue_order_strategy": "priority"},
)
app.conf.update(json.loads(os.environ.get("FLEET_SETTINGS", "{}")))

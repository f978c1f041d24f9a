"""Sends what it is told: a JSON list of calls, each the arguments of Celery's `send_task`.

    python -m app.send '[{"name": "fleet.confide", "kwargs": {"password": "x"}, "queue": "reports", "countdown": 60}]'

Prints the ids as a JSON list.
"""

import json
import sys

from app.celery_app import app

if __name__ == "__main__":
    print(json.dumps([app.send_task(**call).id for call in json.loads(sys.argv[1])]))

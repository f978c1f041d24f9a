"""Tells running workers to stop or to start consuming queues, and prints what each answered, as one JSON object.

    python -m app.consume stop|start QUEUE... [--workers NODE...]

A Redis worker may still take messages with the BRPOP that was under way, which lasts at most a second; `stop` waits that out.
"""

import argparse
import json
import time

from app.celery_app import app

BRPOP_SECONDS = 1.0
#: Without --workers nobody knows how many will answer, and the whole time is waited.
ANSWER_SECONDS = 1.5


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("action", choices=("stop", "start"))
    options.add_argument("queues", nargs="+")
    options.add_argument("--workers", nargs="+", default=None)
    given = options.parse_args()
    call = app.control.cancel_consumer if given.action == "stop" else app.control.add_consumer
    answers = {}
    for queue in given.queues:
        waiting = {"timeout": ANSWER_SECONDS}
        if given.workers:
            waiting = {"timeout": 10 * ANSWER_SECONDS, "limit": len(given.workers)}
        for reply in call(queue, destination=given.workers, reply=True, **waiting) or []:
            for node, value in reply.items():
                answers.setdefault(node, {})[queue] = value
    if given.action == "stop":
        time.sleep(BRPOP_SECONDS + 0.3)
    print(json.dumps(answers))


if __name__ == "__main__":
    main()

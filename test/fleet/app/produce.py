"""Sends tasks whose outcomes are known and prints what must be counted afterwards, as one JSON object.

    python -m app.produce --count 1000 [--spread reports default] [--mix mixed|work|fail|flaky|eta] [--offset N] [--seconds S]

What is sent depends on the number of the task alone, so two runs with the same options send the same. Output:

    tasks      [{id, task, queue, priority, retries, outcome, eta, sentBefore, sentAfter}]; epoch seconds by this process' clock
    expected   [{task, queue, sent, received, started, succeeded, failed, retried}] (retries counted in)
    depth      {queue: messages this run put into the broker}, which is the depth while nobody consumes
    first, last  epoch seconds around the whole run
"""

import argparse
import json
import time
from collections import Counter
from datetime import datetime, timezone

from app.celery_app import QUEUES
from app.tasks import fail, flaky, work

PRIORITIES = (0, 3, 6, 9)
SECONDS = (0.0, 0.005, 0.02, 0.06)
ETA_SECONDS = (1.0, 1.5, 2.0)
RETRY_COUNTDOWN = 0.2
MIXES = ("mixed", "work", "fail", "flaky", "eta")

#: Of every ten tasks of the mixed plan: six succeed, one fails, two retry (once, twice) and then succeed, one waits for its ETA.
MIXED = ("work", "work", "fail", "work", "flaky", "work", "eta", "work", "flaky", "work")


def plan(number, mix, queues, fixed_seconds=None):
    """What task `number` is: its kind, arguments, queue, priority, retries and seconds until its ETA."""
    kind = MIXED[number % len(MIXED)] if mix == "mixed" else mix
    seconds = SECONDS[number // 10 % len(SECONDS)] if fixed_seconds is None else fixed_seconds
    # Primes apart, so that every kind meets every queue and every priority.
    queue = queues[number // 7 % len(queues)]
    priority = PRIORITIES[number // 3 % len(PRIORITIES)]
    if kind == "fail":
        return fail, (seconds,), queue, priority, 0, None
    if kind == "flaky":
        failures = 1 + number // 5 % 2
        return flaky, (seconds, failures, RETRY_COUNTDOWN), queue, priority, failures, None
    return work, (seconds,), queue, priority, 0, ETA_SECONDS[number // 10 % 3] if kind == "eta" else None


def produce(count, mix, queues, offset=0, seconds=None):
    tasks, depth, expected = [], Counter(), {}
    first = time.time()
    for number in range(offset, offset + count):
        task, args, queue, priority, retries, eta_seconds = plan(number, mix, queues, seconds)
        eta = None if eta_seconds is None else time.time() + eta_seconds
        before = time.time()
        result = task.apply_async(
            args,
            queue=queue,
            priority=priority,
            eta=None if eta is None else datetime.fromtimestamp(eta, timezone.utc),
        )
        after = time.time()
        outcome = "failed" if task is fail else "succeeded"
        tasks.append(
            {
                "id": result.id,
                "task": task.name,
                "queue": queue,
                "priority": priority,
                "retries": retries,
                "outcome": outcome,
                "eta": eta,
                "sentBefore": before,
                "sentAfter": after,
            }
        )
        depth[queue] += 1
        counts = expected.setdefault((task.name, queue), Counter())
        counts.update(sent=1 + retries, received=1 + retries, started=1 + retries, retried=retries)
        counts[outcome] += 1
    kinds = ("sent", "received", "started", "succeeded", "failed", "retried")
    return {
        "tasks": tasks,
        "expected": [
            {"task": task, "queue": queue, **{kind: counts[kind] for kind in kinds}}
            for (task, queue), counts in sorted(expected.items())
        ],
        "depth": dict(depth),
        "first": first,
        "last": time.time(),
    }


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--count", type=int, required=True)
    options.add_argument("--mix", choices=MIXES, default="mixed")
    options.add_argument("--spread", nargs="+", default=list(QUEUES), metavar="QUEUE")
    options.add_argument("--offset", type=int, default=0, help="number of the first task")
    options.add_argument("--seconds", type=float, default=None, help="every task takes this long")
    given = options.parse_args()
    print(json.dumps(produce(given.count, given.mix, given.spread, given.offset, given.seconds)))


if __name__ == "__main__":
    main()

"""Tasks that go wrong in ways that monitors often get wrong."""

import os
import signal
import time

from app.celery_app import app


class Odd(Exception):
    """Its repr says nothing of its class."""

    def __repr__(self):
        return "it is 4711's fault"


class Angled(Exception):
    def __repr__(self):
        return "<Angled 404 when asking for 'x'>"


class Unprintable(Exception):
    def __repr__(self):
        raise RuntimeError("no repr")


class Wrapping(Exception):
    """Its repr holds another one, over two lines."""

    def __repr__(self):
        return "Wrapping(ValueError('first line\nKeyError: second'), TimeLimitExceeded(1,))"


class NeedsMore(Exception):
    """Cannot be unpickled: its constructor wants more than `args` holds."""

    def __init__(self, code, *, detail):
        super().__init__(f"{code}: {detail}")


ODD = {
    "odd": Odd("x"),
    "angled": Angled("x"),
    "unprintable": Unprintable("x"),
    "wrapping": Wrapping("x"),
    "needs_more": NeedsMore(4711, detail="secret"),
    "key": KeyError("x"),
}


@app.task(name="trouble.fail")
def fail(kind):
    """Raise one of ODD, or a class that no other module can name."""
    if kind == "local":

        class Local(Exception):
            pass

        raise Local("x")
    raise ODD[kind]


@app.task(name="trouble.die")
def die():
    """Kill the pool process that runs it, as the kernel does when memory is short."""
    os.kill(os.getpid(), signal.SIGKILL)


@app.task(name="trouble.overrun", time_limit=1)
def overrun():
    time.sleep(60)


@app.task(name="trouble.overrun_softly", soft_time_limit=1)
def overrun_softly():
    time.sleep(60)


@app.task(name="trouble.hold", acks_late=True)
def hold(seconds):
    """Keep its message unacknowledged while it runs."""
    time.sleep(seconds)


@app.task(name="trouble.silent", send_events=False)
def silent():
    """Send no events, by its own setting."""

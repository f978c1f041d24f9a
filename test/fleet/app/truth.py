"""The file in which tasks write down what really happened: one JSON object a line, written in one piece."""

import json
import os


def write(record):
    """Append `record`. One write() to a file opened for appending, so that lines of many processes never mix."""
    line = (json.dumps(record) + "\n").encode()
    handle = os.open(os.environ["FLEET_TRUTH_FILE"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, line)
    finally:
        os.close(handle)

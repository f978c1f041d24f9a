"""JSON lines on standard output: ours, Celery's and uvicorn's in one form, each with the correlation id of what runs."""

import logging
import sys

import structlog

#: Loggers that bring handlers of their own; theirs are taken away so that every line is written once.
ADOPTED = ("uvicorn", "uvicorn.error", "uvicorn.access", "celery", "celery.task")


def configure_logging(level):
    """Set up structlog and the standard library. May be called again; the last call wins."""
    shared = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in ADOPTED:
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
    # One line a request is enough, and app.main writes it with the id; uvicorn's own would come without.
    logging.getLogger("uvicorn.access").disabled = True

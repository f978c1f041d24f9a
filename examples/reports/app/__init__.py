"""A small report service: FastAPI takes the order, Celery does the work, structlog tells the story with one correlation id."""

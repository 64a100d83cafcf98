"""One event a line: dotted past-tense name and keys. Ids always; callers' names, phones and addresses never."""

import logging
import sys

import structlog


def configure(process: str, *, level: str = "INFO") -> None:
    """Send this process's events to standard error as JSON lines."""
    logging.basicConfig(
        level=level,
        stream=sys.stderr,
        format='{"event": "log", "logger": "%(name)s", "message": "%(message)s"}',
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)

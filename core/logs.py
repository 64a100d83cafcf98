"""One event a line: dotted past-tense name and keys. Ids always; callers' names, phones and addresses never."""

import logging
import sys
import traceback

import structlog
from structlog.typing import EventDict, WrappedLogger

FRAMES_KEPT = 12
"""The innermost frames tell what failed; those of the server around them do not."""


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
            where_it_failed,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)


def where_it_failed(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Tell an exception's kind and its way through the code, never its words: they may quote what a caller said."""
    error = event.pop("exc_info", None)
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["way"] = [_frame(frame) for frame in traceback.extract_tb(error.__traceback__)][-FRAMES_KEPT:]
    return event


def _frame(frame: traceback.FrameSummary) -> str:
    return f"{frame.filename}:{frame.lineno} {frame.name}"

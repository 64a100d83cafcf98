"""One event a line: dotted past-tense name and keys. Ids always; callers' names, phones and addresses never."""

import json
import logging
import sys
import traceback

import structlog
from structlog.typing import EventDict, WrappedLogger

LIBRARIES_LEVEL = "WARNING"
"""What libraries say below this is of their inside."""
FRAMES_KEPT = 12
"""The innermost frames tell what failed; those of the server around them do not."""


def configure(process: str, *, level: str = "INFO") -> None:
    """Send this process's events, and those of the libraries, to standard error as JSON lines."""
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(LibraryLine())
    logging.basicConfig(level=LIBRARIES_LEVEL, handlers=[lines], force=True)
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
        event.update(_failure(error))
    return event


class LibraryLine(logging.Formatter):
    """Writes what a library logs as one of our lines; of an exception, again only its kind and way."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one line."""
        line = {
            "event": "library.logged",
            "logger": record.name,
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        error = record.exc_info[1] if record.exc_info else None
        return json.dumps(line | (_failure(error) if error else {}), ensure_ascii=False)


def _failure(error: BaseException) -> dict[str, object]:
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES_KEPT:]
    return {
        "error": type(error).__name__,
        "way": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }

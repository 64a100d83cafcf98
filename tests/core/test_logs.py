"""Logs tell where something failed, never what a caller said."""

import json
import subprocess
import sys

PROGRAM = """
import logging, structlog
from core import logs
logs.configure("test")
try:
    raise ValueError("Wang Fang, 13800138000")
except ValueError as error:
    structlog.get_logger().error("test.failed", exc_info=error, report_id="1")
    logging.getLogger("library").error("it failed", exc_info=error)
"""


def test_an_exceptions_words_are_not_logged_by_us_or_by_a_library() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    ours, librarys = (json.loads(line) for line in run.stderr.splitlines())
    assert (ours["event"], ours["error"], ours["report_id"], ours["process"]) == (
        "test.failed",
        "ValueError",
        "1",
        "test",
    )
    assert (librarys["logger"], librarys["error"]) == ("library", "ValueError")
    assert "13800138000" not in run.stderr
    assert ours["way"][0].startswith("<string>:6")

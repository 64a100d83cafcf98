"""What agents say to callers, in both languages: how it ended, what is known to be dry, why a case moved."""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from core.messages import catalogue, say
from core.settings import Settings
from hotline.models import Callback, CaseChange, KnownOutage, Report

UNKNOWN: Final = "unknown"


def callback_script(callback: Callback, report: Report, settings: Settings, language: str) -> str:
    """Word what to tell a caller, and what to ask him."""
    found = _one_of(f"hotline.found.{callback.cause or UNKNOWN}", "hotline.found.unknown", language)
    return say(
        f"hotline.script.{callback.reason}",
        language,
        utility=settings.utility_name,
        noticed=_moment(report.noticed_at, settings, language),
        matter=say(f"hotline.category.{report.category}", language),
        found=found,
    )


def outage_words(
    outage: KnownOutage, *, estimate_at: datetime | None, settings: Settings, language: str
) -> str:
    """Word what a caller hears about a known outage: the cause with an apology, and the estimate while it may be told."""
    cause = _one_of(f"hotline.outage_cause.{outage.cause}", "hotline.outage_cause.unknown", language)
    if estimate_at is None:
        return say("hotline.outage.no_estimate", language, cause=cause)
    return say(
        "hotline.outage.estimate", language, cause=cause, estimate=_moment(estimate_at, settings, language)
    )


def change_words(change: CaseChange, language: str) -> str:
    """Word why a case moved."""
    return _one_of(f"hotline.case_change.{change.why}", "hotline.case_change.other", language)


def _one_of(key: str, otherwise: str, language: str) -> str:
    return say(key if key in catalogue("en") else otherwise, language)


def _moment(moment: datetime, settings: Settings, language: str) -> str:
    local = moment.astimezone(ZoneInfo(settings.utility_timezone))
    if language == "zh":
        return f"{local.month}月{local.day}日{local:%H:%M}"
    return f"{local.day} {local:%b %H:%M}"

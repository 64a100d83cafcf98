"""The caller known by his number: accounts, what he told us lately, whether his water is known to be off."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from core.auth import Actor
from core.clock import utc_now
from core.settings import Settings
from gis.errors import AccountNotFound
from gis.location import Location, locate_account
from hotline import known_outages, queries
from hotline.identity import normalise_phone
from hotline.models import KnownOutage, Report
from hotline.queries import AccountRow


@dataclass(frozen=True, slots=True)
class CallerAccount:
    """An account of a caller, and where it is served."""

    account: AccountRow
    location: Location | None


@dataclass(frozen=True, slots=True)
class Caller:
    """Everything the desk shows before the call is answered."""

    phone: str | None
    accounts: list[CallerAccount]
    recent_reports: Sequence[Report]
    known_outage: KnownOutage | None
    estimate_at: datetime | None
    """When water is expected, while that may be told."""


def look_up(session: Session, settings: Settings, actor: Actor, phone: str) -> Caller:
    """Find who is behind a number, as far as the person asking may see; an unknown number is a caller without accounts."""
    number = normalise_phone(phone, region=settings.phone_region)
    if number is None:
        return Caller(None, [], [], None, None)
    now = utc_now()
    accounts = queries.accounts_of_phone(session, actor, number)
    segments = {a.segment_id for a in accounts if a.segment_id is not None}
    outage = next(iter(queries.outages_of_segments(session, segments)), None)
    return Caller(
        phone=number,
        accounts=[CallerAccount(account, _location(session, account)) for account in accounts],
        recent_reports=queries.recent_reports_of_caller(
            session,
            actor,
            phone=number,
            account_ids=[a.account_id for a in accounts],
            days=settings.caller_history_days,
            now=now,
        ),
        known_outage=outage,
        estimate_at=known_outages.estimate_to_tell(outage, now=now) if outage else None,
    )


def _location(session: Session, account: AccountRow) -> Location | None:
    try:
        return locate_account(session, account.account_no)
    except AccountNotFound:
        return None

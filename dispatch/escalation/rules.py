"""Rules of escalation: what they say, in which version, to whom they apply, and when they are due."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.calendars import WorkingDeadline, working_deadline
from core.clock import utc_now
from core.errors import FieldError
from core.messages import catalogue, say
from core.models import PostRole
from core.settings import Settings
from dispatch.escalation.errors import NoSuchRule, RuleUnclear
from dispatch.escalation.models import Closure, EscalationRule, Proof, TermUnit, Trigger

COUNTED: Final = frozenset({Trigger.REPEAT, Trigger.ASSET_FAULTS})
"""Triggers that say how often within how many days; of the others triage knows what makes one."""

RULES_LOCK: Final = 7_301_005
"""Key of the advisory lock under which one transaction at a time says a rule anew."""


@dataclass(frozen=True, slots=True)
class Term:
    """So many working days, or hours."""

    n: int
    unit: TermUnit
    cut_off: time | None = None
    counts_first_day: bool = False


@dataclass(frozen=True, slots=True)
class Rung:
    """Who is next, and how long after it was overdue."""

    role: str
    n: int
    unit: TermUnit


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleText:
    """What a rule says."""

    code: str
    trigger: Trigger
    times_min: int | None
    window_days: int | None
    term: Term
    recipient_role: str
    deputy_role: str | None
    ladder: Sequence[Rung]
    proof: Proof
    closure: Closure
    source: str
    is_active: bool


@dataclass(frozen=True, slots=True)
class Occasion:
    """What happened that a rule may be about."""

    trigger: Trigger
    times: int | None = None
    window_days: int | None = None


def fits(rule: EscalationRule | RuleText, occasion: Occasion) -> bool:
    """Whether a rule is about this; so often in fewer days is so often in more."""
    if rule.trigger != occasion.trigger:
        return False
    if rule.times_min is not None and (occasion.times or 0) < rule.times_min:
        return False
    return rule.window_days is None or (
        occasion.window_days is not None and occasion.window_days <= rule.window_days
    )


def term_of(rule: EscalationRule) -> Term:
    """Read a rule's term."""
    return Term(rule.n, TermUnit(rule.unit), rule.cut_off, rule.counts_trigger_day)


def rungs_of(rule: EscalationRule) -> list[Rung]:
    """Read a rule's ladder."""
    return [Rung(one["role"], one["n"], TermUnit(one["unit"])) for one in rule.ladder]


def due(session: Session, term: Term, start: datetime, *, settings: Settings) -> WorkingDeadline:
    """Tell when a term that began at a time ends; hours run day and night."""
    if term.unit is TermUnit.HOUR:
        return WorkingDeadline(start + timedelta(hours=term.n), is_confirmed=True)
    return working_deadline(
        session,
        start,
        term.n,
        timezone=settings.utility_timezone,
        country=settings.holiday_country,
        cut_off=term.cut_off,
        counts_first_day=term.counts_first_day,
    )


def climb_at(session: Session, rung: Rung, overdue_at: datetime, *, settings: Settings) -> datetime:
    """Tell when an escalation reaches a rung; working days follow the day on which it was due."""
    if rung.n == 0:
        return overdue_at
    start = overdue_at - timedelta(microseconds=1) if rung.unit is TermUnit.WORKING_DAY else overdue_at
    return due(session, Term(rung.n, rung.unit), start, settings=settings).due_at


# --- versions --------------------------------------------------------------------------------------------------------------


def current(session: Session, *, trigger: Trigger | None = None) -> Sequence[EscalationRule]:
    """List the rules as they stand; of a trigger, only those in force."""
    query = select(EscalationRule).where(EscalationRule.superseded_at.is_(None)).order_by(EscalationRule.code)
    if trigger is not None:
        query = query.where(EscalationRule.trigger == trigger, EscalationRule.is_active)
    return session.scalars(query).all()


def versions(session: Session, code: str) -> Sequence[EscalationRule]:
    """List the versions of a rule, latest first.

    Raises
    ------
    NoSuchRule
        Nobody ever made one of this name.
    """
    rows = session.scalars(
        select(EscalationRule).where(EscalationRule.code == code).order_by(EscalationRule.version.desc())
    ).all()
    if not rows:
        raise NoSuchRule
    return rows


def restate(session: Session, text: RuleText, *, by: UUID) -> EscalationRule:
    """Make a rule, or its next version; escalations that were raised keep the version they were raised by.

    Raises
    ------
    RuleUnclear
        It lacks what its trigger needs, or names a role that does not exist.
    """
    ensure_clear(session, text)
    session.execute(select(func.pg_advisory_xact_lock(RULES_LOCK)))
    now = utc_now()
    before = session.scalar(
        select(EscalationRule).where(EscalationRule.code == text.code, EscalationRule.superseded_at.is_(None))
    )
    if before is not None:
        before.superseded_at = now
        session.flush()
    rule = _row(text, version=before.version + 1 if before else 1, made_at=now, by=by)
    session.add(rule)
    session.flush()
    return rule


def ensure_clear(session: Session, text: RuleText) -> None:
    """Refuse a rule that does not say what it needs to, or names roles nobody can hold."""
    errors = []
    if text.trigger in COUNTED and (text.times_min is None or text.window_days is None):
        errors.append(FieldError("#/times_min", "say how often within how many days"))
    if text.trigger not in COUNTED and (text.times_min is not None or text.window_days is not None):
        errors.append(FieldError("#/times_min", "only repeats and faults of assets are counted"))
    if text.term.unit is TermUnit.HOUR and (text.term.cut_off or text.term.counts_first_day):
        errors.append(FieldError("#/cut_off", "hours have neither cut-off nor first day"))
    known = set(session.scalars(select(PostRole.name)))
    named = {"#/recipient_role": text.recipient_role, "#/deputy_role": text.deputy_role}
    named |= {f"#/ladder/{place}/role": rung.role for place, rung in enumerate(text.ladder)}
    errors += [
        FieldError(pointer, "there is no such role")
        for pointer, role in named.items()
        if role is not None and role not in known
    ]
    if errors:
        raise RuleUnclear(errors=errors)


def _row(text: RuleText, *, version: int, made_at: datetime, by: UUID | None) -> EscalationRule:
    return EscalationRule(
        code=text.code,
        version=version,
        trigger=text.trigger,
        times_min=text.times_min,
        window_days=text.window_days,
        n=text.term.n,
        unit=text.term.unit,
        cut_off=text.term.cut_off,
        counts_trigger_day=text.term.counts_first_day,
        recipient_role=text.recipient_role,
        deputy_role=text.deputy_role,
        ladder=[asdict(rung) for rung in text.ladder],
        proof=text.proof,
        closure=text.closure,
        source=text.source,
        is_active=text.is_active,
        made_at=made_at,
        made_by=by,
    )


# --- in words --------------------------------------------------------------------------------------------------------------


def in_words(rule: EscalationRule, language: str) -> str:
    """Say a rule as one would tell it."""

    def tell(key: str, **values: object) -> str:
        return say(f"dispatch.escalation.{key}", language, **values)

    what = tell(f"trigger.{rule.trigger}", times=rule.times_min, days=rule.window_days)
    parts = [
        tell(
            "rule", what=what, role=role_word(rule.recipient_role, language), term=_term_words(rule, language)
        )
    ]
    if rule.unit == TermUnit.WORKING_DAY and rule.counts_trigger_day:
        parts.append(tell("first_day_counts"))
    if rule.deputy_role:
        parts.append(tell("deputy", role=role_word(rule.deputy_role, language)))
    for rung in rungs_of(rule):
        after = tell(f"after.{rung.unit if rung.n else 'at_once'}", n=rung.n, nth=_nth(rung.n, language))
        parts.append(tell("rung", role=role_word(rung.role, language), after=after))
    parts.append(tell(f"proof.{rule.proof}"))
    return tell("space").join(parts)


def role_word(role: str, language: str) -> str:
    """Say a role's name; one of the utility's own has only the one it was given."""
    return catalogue(language if language == "zh" else "en").get(f"core.role.{role}", role)


def _term_words(rule: EscalationRule, language: str) -> str:
    nth = _nth(rule.n, language)
    if rule.unit == TermUnit.HOUR:
        return say("dispatch.escalation.term.hour", language, n=rule.n)
    if rule.cut_off is not None:
        return say(
            "dispatch.escalation.term.cut_off", language, nth=nth, time=rule.cut_off.isoformat("minutes")
        )
    return say("dispatch.escalation.term.working_day", language, nth=nth)


def _nth(n: int, language: str) -> str:
    """Write 1st, 2nd, 3rd, 4th … 11th, 21st; Chinese counts with the plain number."""
    if language == "zh":
        return str(n)
    ending = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"

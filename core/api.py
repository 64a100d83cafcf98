"""Routes of the kernel: logging in, oneself, the clock, health, people, deeds, the calendar, parked events."""

from datetime import UTC, date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response, status
from sqlalchemy import select

from core import audit, auth, calendars, outbox
from core.auth import Actor
from core.clock import current, real_now, utc_now
from core.http.deps import (
    ACCESS_COOKIE,
    REFRESH_COOKIE,
    AppSettings,
    DbSession,
    client_address,
    note_failed_log_in,
    refuse_cross_site,
    requires,
)
from core.http.problems import RESPONSES
from core.models import CalendarDay, OutboxEvent, PostRole, User, UserGroup
from core.schemas import (
    AuditOut,
    ClockOut,
    DayIn,
    DayOut,
    GroupIn,
    GroupOut,
    HealthOut,
    Items,
    LoginIn,
    MeIn,
    MeOut,
    ParkedEventOut,
    RefreshIn,
    RoleIn,
    RoleOut,
    SessionOut,
    TokensOut,
    UserChangeIn,
    UserIn,
    UserOut,
    YearOut,
)
from core.settings import Settings

router = APIRouter(prefix="/api", tags=["core"], responses=RESPONSES)

Limit = Annotated[int, Query(ge=1, le=500)]
Year = Annotated[int, Query(ge=2000, le=2100)]


@router.post("/login")
def log_in(
    body: LoginIn, request: Request, response: Response, session: DbSession, settings: AppSettings
) -> TokensOut:
    """Log in with a name and a password; gives tokens, and the same as cookies for pages."""
    address = client_address(request) or "0.0.0.0"
    try:
        tokens = auth.log_in(
            session,
            settings,
            username=body.username,
            password=body.password,
            client_address=address,
            user_agent=request.headers.get("user-agent", ""),
        )
    except auth.WrongCredentials:
        note_failed_log_in(request, username=body.username, client_address=address)
        raise
    audit.record_log_in(
        session,
        user_id=tokens.user_id,
        username=body.username,
        client_address=address,
        session_id=tokens.session_id,
    )
    _set_cookies(response, settings, tokens)
    return _tokens_out(tokens)


@router.post("/login/refresh")
def refresh(
    request: Request,
    response: Response,
    session: DbSession,
    settings: AppSettings,
    body: RefreshIn | None = None,
) -> TokensOut:
    """Get a new access token for an open session."""
    token = (body.refresh_token if body else None) or request.cookies.get(REFRESH_COOKIE)
    if not token:
        raise auth.InvalidToken
    refuse_cross_site(request)
    tokens = auth.refresh(session, settings, refresh_token=token)
    _set_cookies(response, settings, tokens)
    return _tokens_out(tokens)


@router.post("/logout", status_code=status.HTTP_204_NO_CONTENT)
def log_out(response: Response, session: DbSession, actor: Annotated[Actor, requires("profile.own")]) -> None:
    """End this session."""
    auth.revoke(session, actor.session_id)
    audit.record(session, actor, action="session.end", subject_id=actor.session_id)
    for path in ("/api", "/ogc"):
        response.delete_cookie(ACCESS_COOKIE, path=path)
    response.delete_cookie(REFRESH_COOKIE, path="/api/login")


@router.get("/me")
def me(actor: Annotated[Actor, requires("profile.own")]) -> MeOut:
    """Tell who is logged in and what he may do."""
    return _me(actor, actor.language)


@router.patch("/me")
def change_me(body: MeIn, session: DbSession, actor: Annotated[Actor, requires("profile.own")]) -> MeOut:
    """Choose one's language."""
    session.get_one(User, actor.user_id).language = body.language
    audit.record(
        session, actor, action="user.change", subject_id=actor.user_id, digest=f"language={body.language}"
    )
    return _me(actor, body.language)


@router.get("/clock")
def clock(actor: Annotated[Actor, requires("profile.own")]) -> ClockOut:
    """Tell the trade's time and how fast it passes."""
    return ClockOut(now=utc_now(), real_now=real_now(), factor=current().factor)


@router.get("/health")
def health(session: DbSession, settings: AppSettings) -> HealthOut:
    """Tell whether the product works; degraded while an event is parked."""
    waiting, parked = outbox.count_waiting(session)
    return HealthOut(
        status="degraded" if parked else "ok",
        workspace=settings.workspace,
        database="ok",
        events_waiting=waiting,
        events_parked=parked,
        now=utc_now(),
    )


@router.get("/users")
def list_users(session: DbSession, actor: Annotated[Actor, requires("users.manage")]) -> Items[UserOut]:
    """List people."""
    return Items(items=[_user(u) for u in session.scalars(select(User).order_by(User.username))])


@router.post("/users", status_code=status.HTTP_201_CREATED)
def add_user(body: UserIn, session: DbSession, actor: Annotated[Actor, requires("users.manage")]) -> UserOut:
    """Add a person."""
    user = auth.add_user(
        session,
        username=body.username,
        password=body.password,
        role=body.role,
        display_name=body.display_name,
        language=body.language,
        crew_id=body.crew_id,
        area_wkt=body.area.wkt if body.area else None,
    )
    audit.record(session, actor, action="user.add", subject_id=user.id, digest=f"role={body.role}")
    session.refresh(user)
    return _user(user)


@router.patch("/users/{user_id}")
def change_user(
    user_id: UUID, body: UserChangeIn, session: DbSession, actor: Annotated[Actor, requires("users.manage")]
) -> UserOut:
    """Give a person another role or area, or shut him out."""
    user = auth.change_user(
        session,
        user_id,
        role=body.role,
        is_disabled=body.is_disabled,
        area_wkt=body.area.wkt if body.area else None,
        is_everywhere=bool(body.is_everywhere),
    )
    changed = body.model_dump(exclude_unset=True, exclude={"area"})
    if body.area is not None:
        changed["area"] = "set"
    digest = ",".join(f"{name}={value}" for name, value in sorted(changed.items()))
    audit.record(session, actor, action="user.change", subject_id=user_id, digest=digest)
    return _user(user)


@router.get("/roles")
def list_roles(session: DbSession, actor: Annotated[Actor, requires("users.manage")]) -> Items[RoleOut]:
    """List roles and their groups."""
    return Items(items=[_role(role) for role in session.scalars(select(PostRole).order_by(PostRole.name))])


@router.put("/roles/{role_id}")
def change_role(
    role_id: UUID, body: RoleIn, session: DbSession, actor: Annotated[Actor, requires("users.manage")]
) -> RoleOut:
    """Say what a role may do and which personal fields it sees."""
    role = auth.change_role(session, role_id, operations=body.operations, fields=body.fields)
    audit.record(session, actor, action="role.change", subject_id=role_id, digest=",".join(role.operations))
    return _role(role)


@router.put("/groups/{group_id}")
def change_group(
    group_id: UUID, body: GroupIn, session: DbSession, actor: Annotated[Actor, requires("users.manage")]
) -> GroupOut:
    """Say which functions a group reaches, and from which addresses."""
    networks = [str(network) for network in body.networks]
    group = auth.change_group(session, group_id, functions=body.functions, networks=networks)
    audit.record(
        session, actor, action="group.change", subject_id=group_id, digest=f"networks={len(networks)}"
    )
    return _group(group)


@router.get("/sessions")
def list_sessions(
    session: DbSession, actor: Annotated[Actor, requires("sessions.manage")]
) -> Items[SessionOut]:
    """List log-ins that are still good."""
    return Items(
        items=[
            SessionOut(
                id=login.id,
                username=username,
                client_address=str(login.client_address),
                user_agent=login.user_agent,
                created_at=login.created_at,
                expires_at=login.expires_at,
            )
            for login, username in auth.open_sessions(session)
        ]
    )


@router.delete("/sessions/{session_id}", status_code=status.HTTP_204_NO_CONTENT)
def end_session(
    session_id: UUID, session: DbSession, actor: Annotated[Actor, requires("sessions.manage")]
) -> None:
    """End somebody's log-in at once."""
    auth.revoke(session, session_id)
    audit.record(session, actor, action="session.revoke", subject_id=session_id)


@router.get("/audit")
def list_audit(
    session: DbSession,
    actor: Annotated[Actor, requires("audit.read")],
    action: Annotated[str | None, Query(max_length=60, pattern=r"^[\w.]+$")] = None,
    subject_id: UUID | None = None,
    before: datetime | None = None,
    limit: Limit = 100,
) -> Items[AuditOut]:
    """List what was done, newest first."""
    rows = audit.entries(session, action=action, subject_id=subject_id, before=before, limit=limit)
    return Items(
        items=[
            AuditOut(
                id=row.id,
                at=row.at,
                username=row.username,
                client_address=str(row.client_address) if row.client_address else None,
                action=row.action,
                subject_id=row.subject_id,
                digest=row.digest,
            )
            for row in rows
        ]
    )


@router.get("/calendar")
def read_calendar(
    year: Year,
    session: DbSession,
    settings: AppSettings,
    actor: Annotated[Actor, requires("calendar.manage")],
) -> YearOut:
    """Show a year's holidays and make-up working days."""
    return _year(session, settings, year)


@router.put("/calendar/{day}")
def set_day(
    day: Annotated[date, Path()],
    body: DayIn,
    session: DbSession,
    actor: Annotated[Actor, requires("calendar.manage")],
) -> DayOut:
    """Say that a day is, or is not, a working day."""
    row = calendars.set_day(session, day, is_working=body.is_working, name=body.name)
    audit.record(session, actor, action="calendar.set", digest=f"{day} working={body.is_working}")
    return _day(row)


@router.post("/calendar/{year}/confirm")
def confirm_year(
    year: Annotated[int, Path(ge=2000, le=2100)],
    session: DbSession,
    settings: AppSettings,
    actor: Annotated[Actor, requires("calendar.manage")],
) -> YearOut:
    """Say that a year agrees with the published notice."""
    calendars.confirm_year(session, year, by=actor.user_id, country=settings.holiday_country)
    audit.record(session, actor, action="calendar.confirm", digest=str(year))
    return _year(session, settings, year)


@router.get("/parked-events")
def list_parked(
    session: DbSession, actor: Annotated[Actor, requires("events.manage")], limit: Limit = 100
) -> Items[ParkedEventOut]:
    """List events whose handling failed for good, so far."""
    return Items(items=[_parked(row) for row in outbox.parked_events(session, limit=limit)])


@router.post("/parked-events/{event_id}/retry", status_code=status.HTTP_204_NO_CONTENT)
def retry_parked(
    event_id: UUID, session: DbSession, actor: Annotated[Actor, requires("events.manage")]
) -> None:
    """Try a parked event again."""
    row = outbox.retry_parked(session, event_id)
    audit.record(session, actor, action="event.retry", subject_id=row.id, digest=row.name)


def _set_cookies(response: Response, settings: Settings, tokens: auth.Tokens) -> None:
    for name, value, path, ends_at in (
        (ACCESS_COOKIE, tokens.access_token, "/api", tokens.access_expires_at),
        (ACCESS_COOKIE, tokens.access_token, "/ogc", tokens.access_expires_at),
        (REFRESH_COOKIE, tokens.refresh_token, "/api/login", tokens.session_expires_at),
    ):
        response.set_cookie(
            name,
            value,
            path=path,
            expires=ends_at.astimezone(UTC),
            httponly=True,
            samesite="strict",
            secure=settings.secure_cookies,
        )


def _tokens_out(tokens: auth.Tokens) -> TokensOut:
    return TokensOut(
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        expires_at=tokens.access_expires_at,
        session_expires_at=tokens.session_expires_at,
    )


def _me(actor: Actor, language: str) -> MeOut:
    return MeOut(
        username=actor.username,
        display_name=actor.display_name,
        role=actor.role,
        language="en" if language == "en" else "zh",
        operations=sorted(actor.operations),
        fields=sorted(actor.fields),
        crew_id=actor.crew_id,
    )


def _user(user: User) -> UserOut:
    return UserOut(
        id=user.id,
        username=user.username,
        display_name=user.display_name,
        role=user.role.name,
        language="en" if user.language == "en" else "zh" if user.language else None,
        crew_id=user.crew_id,
        has_area=user.area is not None,
        disabled_at=user.disabled_at,
    )


def _group(group: UserGroup) -> GroupOut:
    return GroupOut(
        id=group.id, name=group.name, functions=group.functions, networks=[str(n) for n in group.networks]
    )


def _role(role: PostRole) -> RoleOut:
    return RoleOut(
        id=role.id,
        name=role.name,
        operations=sorted(auth.effective_operations(role.operations, role.group.functions)),
        fields=role.fields,
        group=_group(role.group),
    )


def _day(row: CalendarDay) -> DayOut:
    return DayOut(day=row.day, is_working=row.is_working, name=row.name, source=row.source)


def _year(session: DbSession, settings: Settings, year: int) -> YearOut:
    days, row = calendars.days_of_year(session, year, country=settings.holiday_country)
    return YearOut(year=year, confirmed_at=row.confirmed_at, days=[_day(day) for day in days])


def _parked(row: OutboxEvent) -> ParkedEventOut:
    assert row.parked_at is not None
    return ParkedEventOut(
        id=row.id,
        name=row.name,
        emitted_at=row.emitted_at,
        attempts=row.attempts,
        parked_at=row.parked_at,
        last_error=row.last_error,
    )

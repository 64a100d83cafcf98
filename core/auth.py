"""Who somebody is and what he may do: log-ins, short-lived tokens, revocable sessions, scope.

A log-in makes a session row and two secrets: an access token (a signed JWT naming the session, good for minutes) and a refresh token (kept
hashed). Every request looks the session up, so a revoked one ends at once. All of this runs in real time, whatever the trade's clock does.
"""

import hashlib
import ipaddress
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import jwt
import shapely
from geoalchemy2 import WKTElement
from pwdlib import PasswordHash
from sqlalchemy import ColumnElement, and_, bindparam, func, or_, select, true
from sqlalchemy.orm import Session

from core.clock import real_now
from core.errors import Conflict, Forbidden, Invalid, NotFound, TooManyRequests, Unauthenticated
from core.models import LoginFailure, LoginSession, PostRole, User, UserGroup
from core.rights import EVERYBODY, FUNCTION_OPERATIONS, ROLE_SEEDS, Function, Operation, PersonalField
from core.scope import WGS84_SRID
from core.settings import Settings

TOKEN_ALGORITHM = "HS256"
ALONE_FACTOR = 10
"""A name failing from many addresses, or an address failing with many names, is paused only later: others share it."""
_passwords = PasswordHash.recommended()
_NOBODYS_HASH = _passwords.hash(secrets.token_urlsafe(16))
"""Verified for names that do not exist, so that an answer takes as long either way."""


class WrongCredentials(Unauthenticated):
    """User name or password is wrong."""


class InvalidToken(Unauthenticated):
    """The log-in has ended or the token is not valid; log in again."""


class LoginPaused(TooManyRequests):
    """Too many failed log-ins; wait some minutes and try again."""


class AddressNotAllowed(Forbidden):
    """Your group may not work from this network address."""


class OperationNotAllowed(Forbidden):
    """Your role does not include this operation."""


class NoSuchRole(Invalid):
    """There is no role of this name."""


class NoSuchUser(NotFound):
    """There is no user with this id."""


class NoSuchGroup(NotFound):
    """There is no group with this id."""


class LastAdministrator(Conflict):
    """Somebody must stay who can administer; give another user the role first."""


class NoSuchSession(NotFound):
    """There is no log-in with this id."""


class UsernameTaken(Conflict):
    """A user of this name exists already; choose another name."""


@dataclass(frozen=True, slots=True)
class Actor:
    """The person behind a request, with everything that limits what he may do and see."""

    user_id: UUID
    username: str
    display_name: str
    role: str
    operations: frozenset[str]
    fields: frozenset[str]
    area_wkt: str | None
    """Multipolygon in EPSG:4326 outside which he sees nothing; None: everywhere."""
    desk_ids: frozenset[UUID]
    crew_id: UUID | None
    session_id: UUID
    language: str
    client_address: str | None

    def may(self, operation: Operation | str) -> bool:
        """Whether the role includes an operation."""
        return str(operation) in self.operations

    def sees(self, field: PersonalField | str) -> bool:
        """Whether a kind of personal data is shown to him."""
        return str(field) in self.fields

    def area_filter(self, column: Any) -> ColumnElement[bool]:
        """Condition that a geometry column (EPSG:4326) lies in his area; for those with an area, no place means not his.

        `column` is Any because GeoAlchemy2 columns carry no useful static type.
        """
        if self.area_wkt is None:
            return true()
        return func.ST_Intersects(column, func.ST_GeomFromText(self.area_wkt, WGS84_SRID))

    def area(self) -> Any:
        """His area as a shape in longitude and latitude; None where he sees everywhere. Any: shapely has no types."""
        return None if self.area_wkt is None else shapely.from_wkt(self.area_wkt)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a log-in gives: whose and which it is, secrets, and when the access token ends (real time)."""

    user_id: UUID
    session_id: UUID
    access_token: str
    access_expires_at: datetime
    refresh_token: str
    session_expires_at: datetime


def hash_password(password: str) -> str:
    """Hash with argon2."""
    return _passwords.hash(password)


def log_in(
    session: Session,
    settings: Settings,
    *,
    username: str,
    password: str,
    client_address: str,
    user_agent: str,
) -> Tokens:
    """Check a password and open a session.

    Raises
    ------
    LoginPaused
        Too many failures of this name or address lately.
    WrongCredentials
        Name or password is wrong, or the user is disabled; the caller records the failure in a transaction of its own.
    AddressNotAllowed
        The group may not work from this address.
    """
    _refuse_while_paused(session, settings, username=username, client_address=client_address)
    user = session.scalar(select(User).where(User.username == username))
    is_right = _passwords.verify(password, user.password_hash if user else _NOBODYS_HASH)
    if user is None or not is_right or user.disabled_at is not None:
        raise WrongCredentials
    _check_address(user.role.group.networks, client_address)
    refresh_token = secrets.token_urlsafe(32)
    now = real_now()
    login = LoginSession(
        user_id=user.id,
        refresh_hash=_digest(refresh_token),
        client_address=client_address,
        user_agent=user_agent[:200],
        created_at=now,
        expires_at=now + timedelta(hours=settings.session_hours),
    )
    session.add(login)
    session.flush()
    return _tokens(settings, login, refresh_token)


def refresh(session: Session, settings: Settings, *, refresh_token: str) -> Tokens:
    """Give a new access token to an open session."""
    login = session.scalar(select(LoginSession).where(LoginSession.refresh_hash == _digest(refresh_token)))
    if login is None or login.revoked_at is not None or login.expires_at <= real_now():
        raise InvalidToken
    return _tokens(settings, login, refresh_token)


def record_failure(session: Session, *, username: str, client_address: str) -> None:
    """Count a refused log-in."""
    session.add(LoginFailure(username=username[:60], client_address=client_address, at=real_now()))


def authenticate(session: Session, settings: Settings, *, token: str, client_address: str | None) -> Actor:
    """Turn an access token into the person behind it.

    Raises
    ------
    InvalidToken
        Forged, expired, logged out, revoked, or of a disabled user.
    AddressNotAllowed
        The group may not work from this address.
    """
    try:
        claims = jwt.decode(
            token,
            settings.token_secret.get_secret_value(),
            algorithms=[TOKEN_ALGORITHM],
            options={"require": ["exp", "sid"]},
        )
        session_id = UUID(claims["sid"])
    except (jwt.InvalidTokenError, ValueError, TypeError) as error:
        raise InvalidToken from error
    return actor_of_session(session, settings, session_id, client_address=client_address)


_LOGGED_IN = (
    select(
        User.id,
        User.username,
        User.display_name,
        User.desk_ids,
        User.crew_id,
        User.language,
        func.ST_AsText(User.area).label("area_wkt"),
        PostRole.name.label("role"),
        PostRole.operations,
        PostRole.fields,
        UserGroup.functions,
        UserGroup.networks,
    )
    .join(LoginSession, LoginSession.user_id == User.id)
    .join(PostRole, PostRole.id == User.role_id)
    .join(UserGroup, UserGroup.id == PostRole.group_id)
    .where(
        LoginSession.id == bindparam("session_id"),
        LoginSession.revoked_at.is_(None),
        LoginSession.expires_at > bindparam("now"),
        User.disabled_at.is_(None),
    )
)
"""Asked with every request, so written once, and without rows to be made objects of."""


def actor_of_session(
    session: Session, settings: Settings, session_id: UUID, *, client_address: str | None
) -> Actor:
    """Tell whose log-in this is, and what he may do now.

    Raises
    ------
    InvalidToken
        Logged out, revoked, ended, or of a disabled user.
    AddressNotAllowed
        The group may not work from this address.
    """
    row = session.execute(_LOGGED_IN, {"session_id": session_id, "now": real_now()}).one_or_none()
    if row is None:
        raise InvalidToken
    _check_address(row.networks, client_address)
    return Actor(
        user_id=row.id,
        username=row.username,
        display_name=row.display_name,
        role=row.role,
        operations=_reached(tuple(row.operations), tuple(row.functions)),
        fields=frozenset(row.fields),
        area_wkt=row.area_wkt,
        desk_ids=frozenset(row.desk_ids),
        crew_id=row.crew_id,
        session_id=session_id,
        language=row.language or settings.default_language,
        client_address=client_address,
    )


def effective_operations(operations: Iterable[str], functions: Iterable[str]) -> frozenset[str]:
    """What a role may really do: its operations, as far as its group reaches their functions."""
    reached = {str(operation) for name in functions for operation in FUNCTION_OPERATIONS[Function(name)]}
    return (frozenset(operations) & reached) | frozenset(map(str, EVERYBODY))


@lru_cache(maxsize=256)
def _reached(operations: tuple[str, ...], functions: tuple[str, ...]) -> frozenset[str]:
    return effective_operations(operations, functions)


def revoke(session: Session, session_id: UUID) -> LoginSession:
    """End a log-in at once."""
    login = session.get(LoginSession, session_id)
    if login is None:
        raise NoSuchSession
    login.revoked_at = login.revoked_at or real_now()
    return login


def open_sessions(session: Session, *, limit: int = 200) -> Sequence[tuple[LoginSession, str]]:
    """List log-ins that are still good, with their users' names."""
    rows = session.execute(
        select(LoginSession, User.username)
        .join(User, User.id == LoginSession.user_id)
        .where(LoginSession.revoked_at.is_(None), LoginSession.expires_at > real_now())
        .order_by(LoginSession.created_at.desc())
        .limit(limit)
    )
    return [(login, username) for login, username in rows]


def seed_roles(session: Session) -> None:
    """Make the groups and roles a new workspace starts with; those that exist stay as they are."""
    present = set(session.scalars(select(PostRole.name)))
    for seed in ROLE_SEEDS:
        if seed.role in present:
            continue
        group = UserGroup(name=seed.group, functions=sorted(seed.functions), networks=[])
        session.add(group)
        session.flush()
        session.add(
            PostRole(
                name=seed.role,
                group_id=group.id,
                operations=sorted(seed.operations),
                fields=sorted(seed.fields),
            )
        )
    session.flush()


def add_user(
    session: Session,
    *,
    username: str,
    password: str,
    role: str,
    display_name: str | None = None,
    crew_id: UUID | None = None,
    area_wkt: str | None = None,
    language: str | None = None,
) -> User:
    """Add a person.

    Raises
    ------
    NoSuchRole, UsernameTaken
        As their names say.
    """
    role_row = _role(session, role)
    if session.scalar(select(User.id).where(User.username == username)) is not None:
        raise UsernameTaken
    user = User(
        username=username,
        display_name=display_name or username,
        password_hash=hash_password(password),
        role_id=role_row.id,
        crew_id=crew_id,
        area=_stored_area(area_wkt) if area_wkt else None,
        language=language,
        created_at=real_now(),
    )
    session.add(user)
    session.flush()
    return user


def change_user(
    session: Session,
    user_id: UUID,
    *,
    role: str | None = None,
    is_disabled: bool | None = None,
    area_wkt: str | None = None,
    is_everywhere: bool = False,
) -> User:
    """Change what a person may do; what is None stays.

    Raises
    ------
    NoSuchUser, NoSuchRole
        As their names say.
    LastAdministrator
        Nobody who may manage users would be left.
    """
    user = session.get(User, user_id)
    if user is None:
        raise NoSuchUser
    if role is not None:
        user.role = _role(session, role)
    if is_disabled is not None:
        user.disabled_at = (user.disabled_at or real_now()) if is_disabled else None
    if area_wkt is not None:
        user.area = _stored_area(area_wkt)  # type: ignore[assignment]  # GeoAlchemy2 takes text as well as bytes
    elif is_everywhere:
        user.area = None
    session.flush()
    _keep_an_administrator(session)
    return user


def change_role(
    session: Session, role_id: UUID, *, operations: Iterable[str], fields: Iterable[str]
) -> PostRole:
    """Say what a role may do and see; it holds from the next request on.

    Raises
    ------
    NoSuchRole, LastAdministrator
        As their names say.
    """
    role = session.get(PostRole, role_id)
    if role is None:
        raise NoSuchRole
    role.operations, role.fields = sorted(set(operations)), sorted(set(fields))
    session.flush()
    _keep_an_administrator(session)
    return role


def change_group(
    session: Session, group_id: UUID, *, functions: Iterable[str], networks: Iterable[str]
) -> UserGroup:
    """Say which functions a group reaches, and from which addresses.

    Raises
    ------
    NoSuchGroup, LastAdministrator
        As their names say.
    """
    group = session.get(UserGroup, group_id)
    if group is None:
        raise NoSuchGroup
    group.functions, group.networks = sorted(set(functions)), sorted(set(networks))
    session.flush()
    _keep_an_administrator(session)
    return group


def _keep_an_administrator(session: Session) -> None:
    people = session.scalars(select(User).where(User.disabled_at.is_(None)))
    needed = str(Operation.USERS_MANAGE)
    if not any(needed in effective_operations(u.role.operations, u.role.group.functions) for u in people):
        raise LastAdministrator


def _role(session: Session, name: str) -> PostRole:
    role = session.scalar(select(PostRole).where(PostRole.name == name))
    if role is None:
        known = ", ".join(session.scalars(select(PostRole.name).order_by(PostRole.name)))
        msg = f"There is no role {name!r}; there are: {known}."
        raise NoSuchRole(msg)
    return role


def _stored_area(area_wkt: str) -> WKTElement:
    return WKTElement(area_wkt, srid=WGS84_SRID)


def _refuse_while_paused(session: Session, settings: Settings, *, username: str, client_address: str) -> None:
    since = real_now() - timedelta(minutes=settings.login_pause_minutes)
    of_both, of_name, of_address = session.execute(
        select(
            func.count().filter(
                and_(LoginFailure.username == username, LoginFailure.client_address == client_address)
            ),
            func.count().filter(LoginFailure.username == username),
            func.count().filter(LoginFailure.client_address == client_address),
        ).where(
            LoginFailure.at > since,
            or_(LoginFailure.username == username, LoginFailure.client_address == client_address),
        )
    ).one()
    most = settings.login_failures_max
    if of_both >= most or max(of_name, of_address) >= ALONE_FACTOR * most:
        raise LoginPaused


def _check_address(networks: Sequence[str], client_address: str | None) -> None:
    if not networks:
        return
    if client_address is None:
        raise AddressNotAllowed
    address = ipaddress.ip_address(client_address)
    if not any(address in ipaddress.ip_network(network) for network in networks):
        raise AddressNotAllowed


def _tokens(settings: Settings, login: LoginSession, refresh_token: str) -> Tokens:
    expires_at = min(real_now() + timedelta(minutes=settings.access_token_minutes), login.expires_at)
    claims = {"sid": str(login.id), "exp": int(expires_at.timestamp())}
    access_token = jwt.encode(claims, settings.token_secret.get_secret_value(), algorithm=TOKEN_ALGORITHM)
    return Tokens(login.user_id, login.id, access_token, expires_at, refresh_token, login.expires_at)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()

"""HTTP Basic for desktop programs, which send name and password with every request.

The first request logs in like anybody: by the password, counted when it fails, as a log-in that can be seen and revoked. Later ones find
that log-in again by a digest of what was sent, so that argon2 is not paid for every tile; the digest is keyed, and kept in memory alone.
"""

import base64
import binascii
import hashlib
import hmac
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit, auth
from core.auth import Actor, InvalidToken, WrongCredentials
from core.models import User
from core.settings import Settings

KNOWN_MAX = 1000


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a Basic header carries."""

    username: str
    password: str = field(repr=False)

    @classmethod
    def read(cls, sent: str) -> "Credentials":
        """Decode the header's second word: base64 of `name:password`, UTF-8 or, from older programs, Latin-1.

        Raises
        ------
        WrongCredentials
            It is nothing of the kind.
        """
        try:
            raw = base64.b64decode(sent, validate=True)
        except (binascii.Error, ValueError) as error:
            raise WrongCredentials from error
        try:
            words = raw.decode()
        except UnicodeDecodeError:
            words = raw.decode("latin-1")
        username, colon, password = words.partition(":")
        if not (username and colon) or not words.isprintable():
            raise WrongCredentials
        return cls(username, password)


@dataclass(frozen=True, slots=True)
class _LogIn:
    session_id: UUID
    password_hash: str
    """The user's when he logged in: a password that was changed since opens nothing."""


class _Known:
    """The log-ins used last, by digest."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[bytes, _LogIn] = OrderedDict()

    def get(self, digest: bytes) -> _LogIn | None:
        with self._lock:
            return self._kept.get(digest)

    def put(self, digest: bytes, log_in: _LogIn) -> None:
        with self._lock:
            self._kept[digest] = log_in
            self._kept.move_to_end(digest)
            while len(self._kept) > KNOWN_MAX:
                self._kept.popitem(last=False)

    def drop(self, digest: bytes) -> None:
        with self._lock:
            self._kept.pop(digest, None)


_known = _Known()


def authenticate_basic(
    session: Session, settings: Settings, credentials: Credentials, *, client_address: str, user_agent: str
) -> Actor:
    """Turn a name and a password into the person behind them.

    Raises
    ------
    WrongCredentials, LoginPaused, AddressNotAllowed
        As logging in does; the caller records the failure in a transaction of its own.
    """
    digest = _digest(settings, credentials, client_address, user_agent)
    known = _known.get(digest)
    if known is not None:
        actor = _still_good(session, settings, known, client_address)
        if actor is not None:
            return actor
        _known.drop(digest)
    tokens = auth.log_in(
        session,
        settings,
        username=credentials.username,
        password=credentials.password,
        client_address=client_address,
        user_agent=user_agent,
    )
    audit.record_log_in(
        session,
        user_id=tokens.user_id,
        username=credentials.username,
        client_address=client_address,
        session_id=tokens.session_id,
    )
    password_hash = session.get_one(User, tokens.user_id).password_hash
    _known.put(digest, _LogIn(tokens.session_id, password_hash))
    return auth.actor_of_session(session, settings, tokens.session_id, client_address=client_address)


def _still_good(session: Session, settings: Settings, known: _LogIn, client_address: str) -> Actor | None:
    try:
        actor = auth.actor_of_session(session, settings, known.session_id, client_address=client_address)
    except InvalidToken:
        return None
    now = session.scalar(select(User.password_hash).where(User.id == actor.user_id))
    return actor if now == known.password_hash else None


def _digest(settings: Settings, credentials: Credentials, client_address: str, user_agent: str) -> bytes:
    words = (credentials.username, credentials.password, client_address, user_agent)
    message = b"".join(len(word.encode()).to_bytes(4, "big") + word.encode() for word in words)
    return hmac.digest(settings.token_secret.get_secret_value().encode(), message, hashlib.sha256)

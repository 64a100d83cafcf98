"""`./mainline user add`: a person who may log in."""

import argparse
import secrets
import sys

from app.provision import workspaces
from app.provision.errors import ProvisionError
from app.provision.output import write_line
from core import audit, auth
from core.db import session_factory, transaction
from core.errors import MainlineError

PASSWORD_CHARS_MIN = 8


def run(options: argparse.Namespace) -> int:
    """Add the person; without a password on standard input, one is made and shown this once."""
    password = _read_password() if options.password_stdin else secrets.token_urlsafe(12)
    factory = session_factory(workspaces.ensure_database(options.workspace), pool_size=1)
    try:
        with transaction(factory) as session:
            user = auth.add_user(session, username=options.name, password=password, role=options.role)
            audit.record(session, None, action="user.add", subject_id=user.id, digest=f"role={options.role}")
    except MainlineError as error:
        raise ProvisionError(f"user {options.name}: {error.detail}") from error
    write_line(
        f"{options.name}: {options.role}" + ("" if options.password_stdin else f", password {password}")
    )
    return 0


def _read_password() -> str:
    password = sys.stdin.readline().rstrip("\r\n")
    if len(password) < PASSWORD_CHARS_MIN:
        raise ProvisionError(
            f"the password on standard input is shorter than {PASSWORD_CHARS_MIN} characters"
        )
    return password

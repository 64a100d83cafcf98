"""What a new workspace starts with."""

from sqlalchemy.orm import Session

from core import auth


def plant(session: Session) -> None:
    """Make what is missing of the seeds; what exists stays as its owner left it."""
    auth.seed_roles(session)

"""What each problem's `type` address answers: its meaning, in the words of its class."""

from collections.abc import Iterator

from fastapi import APIRouter
from pydantic import BaseModel

from core.errors import MainlineError, NotFound
from core.http.problems import RESPONSES, STATUS, status_of

router = APIRouter(tags=["problems"], responses=RESPONSES)


class NoSuchProblem(NotFound):
    """There is no problem of this name."""


class ProblemOut(BaseModel):
    """A problem this server may answer with."""

    type: str
    status: int
    meaning: str


@router.get("/problems/{slug}")
def read_problem(slug: str) -> ProblemOut:
    """Tell what a problem means."""
    for kind in _kinds(MainlineError):
        error = kind()
        if error.slug == slug and kind not in STATUS:
            return ProblemOut(type=f"/problems/{slug}", status=status_of(error), meaning=error.detail)
    raise NoSuchProblem


def _kinds(root: type[MainlineError]) -> Iterator[type[MainlineError]]:
    for kind in root.__subclasses__():
        yield kind
        yield from _kinds(kind)

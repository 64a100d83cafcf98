"""Routes of tracker."""

from fastapi import APIRouter

router = APIRouter(prefix="/api", tags=["tracker"])

"""Routes of dispatch."""

from fastapi import APIRouter

router = APIRouter(prefix="/api", tags=["dispatch"])

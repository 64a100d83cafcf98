"""Routes of gis."""

from fastapi import APIRouter

router = APIRouter(prefix="/api", tags=["gis"])

"""Routes of hotline."""

from fastapi import APIRouter

router = APIRouter(prefix="/api", tags=["hotline"])

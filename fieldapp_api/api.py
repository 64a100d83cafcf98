"""Routes of fieldapp_api."""

from fastapi import APIRouter

router = APIRouter(prefix="/api", tags=["field"])

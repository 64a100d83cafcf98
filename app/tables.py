"""Every table of the product in one place, for migrations and for tests of them."""

from typing import Final

import core.models
import dispatch.escalation.models
import dispatch.models
import gis.models
import hotline.models
import tracker.models
from core.db import Base

MODEL_MODULES: Final = (
    core.models,
    gis.models,
    tracker.models,
    hotline.models,
    dispatch.models,
    dispatch.escalation.models,
)
"""Imported so that the metadata is complete."""

METADATA: Final = Base.metadata

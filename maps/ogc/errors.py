"""What the standard interface refuses, each by its own name."""

from core.errors import FieldError, Misasked, NotFound


class NoSuchFeature(NotFound):
    """There is no feature with this id in the collection, or it is not yours to see."""


class BadParameter(Misasked):
    """A parameter of the address cannot be read; the API definition says what it may be."""

    @classmethod
    def named(cls, name: str, why: str) -> "BadParameter":
        """Name the parameter and what is wrong with it."""
        return cls(f"{name}: {why}", errors=[FieldError(f"#/{name}", why)])

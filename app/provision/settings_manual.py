"""The table of settings in docs/operations.md, made from the settings themselves: `python -m app.provision.settings_manual`."""

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from app.provision.state import CHECKOUT
from core.settings import Settings

MANUAL = CHECKOUT / "docs" / "operations.md"
BEGIN, END = (
    "<!-- settings: made by python -m app.provision.settings_manual -->\n",
    "<!-- end of settings -->\n",
)


def table() -> str:
    """Compose the table: variable, default, meaning."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        variable = (
            field.validation_alias if isinstance(field.validation_alias, str) else f"MAINLINE_{name.upper()}"
        )
        rows.append(f"| `{variable}` | {_default(field)} | {field.description} |")
    return "\n".join(rows) + "\n"


def with_table(manual: str) -> str:
    """Return the manual with the table of today's settings."""
    before, _, rest = manual.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is PydanticUndefined or isinstance(value, SecretStr):
        return "none"
    if value is None or value in ("", ()):
        return "empty"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`"


if __name__ == "__main__":
    MANUAL.write_text(with_table(MANUAL.read_text(encoding="utf-8")), encoding="utf-8")

"""The flow's parameters as ``config.py`` describes them: the form in Prefect's UI explains, offers and bounds each.

Left empty, a parameter has the value that the command line would have: from ``NECROZMA_*`` variables, then config.py.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, GetJsonSchemaHandler

from flows.configuration import SETTINGS
from flows.fields import KeptTrades, Range

Kept = Annotated[KeptTrades, Field(title="so many")] | Annotated[Literal["all"], Field(title="all")]
"""In a parameter None stands for what was left empty, so that every trade has a word."""


def parameter(name: str) -> Any:
    """Return what pydantic and Prefect need to know of the parameter that gives a setting.

    Parameters
    ----------
    name : str
        Of a setting that has a form. Its type stands in the flow's signature, where Prefect and mypy look for it.
    """
    setting = SETTINGS[name]
    form = setting.form
    assert form is not None
    bounds = setting.range or Range()
    field = Field(
        ge=bounds.ge,
        gt=bounds.gt,
        le=bounds.le if form.le is None else form.le,
        pattern=form.pattern,
        examples=form.examples,
        # As the field's own, Prefect would replace both by the parameter's name and what the flow's docstring says.
        json_schema_extra={"description": form.description, "title": name.replace("_", " ").capitalize()},
    )
    field.metadata.append(_Titled())
    return field


@dataclass(frozen=True)
class _Titled:
    """Names the null of a parameter, which the form offers beside its type and sends where nothing was written."""

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        described = handler(schema)
        for choice in described.get("anyOf", []):
            choice.setdefault("title", "as configured" if choice.get("type") == "null" else "this")
        return described

"""The flow's parameters as ``config.py`` describes them: the form in Prefect's UI explains, offers and bounds each.

Left empty, a parameter has the value that the command line would have: from ``NECROZMA_*`` variables, then config.py.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from flows.configuration import SETTINGS, KeptTrades
from flows.fields import Range

# The titles tell the choices apart in the form, which else calls both "str".
Timeframe = (
    Annotated[Literal["30s", "1min", "5min", "15min", "30min", "1h", "4h", "1d"], Field(title="usual")]
    | Annotated[str, Field(title="another")]
)
"""The usual lengths of a bar to choose from, and any other."""

Kept = KeptTrades | Literal["all"]
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
    return Field(
        ge=bounds.ge,
        gt=bounds.gt,
        le=bounds.le if form.le is None else form.le,
        pattern=form.pattern,
        examples=form.examples,
        # As the field's own description, Prefect would replace it by what the flow's docstring says of the parameter.
        json_schema_extra={"description": form.description},
    )

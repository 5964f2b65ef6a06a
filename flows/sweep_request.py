"""Settings as what a sweep is asked to do, and as the parameters of the flow."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from config import Settings
from necrozma_core.strategies.source import StrategySource

if TYPE_CHECKING:
    # Plans are made before Prefect is imported.
    from prefect.flows import Flow


def recorded_settings(settings: Settings) -> dict[str, Any]:
    """Return the settings as JSON, for the manifest and for Prefect."""
    return settings.record()


def flow_parameters(settings: Settings, flow: "Flow[Any, Any]") -> dict[str, Any]:
    """Return those settings that are parameters of the flow, so that the history shows them and a retry has them.

    Paths are absolute, because a retry may start elsewhere. A cooldown that nobody asked for is left out.
    """
    absolute = {name: value.absolute() for name, value in settings if isinstance(value, Path)}
    recorded = recorded_settings(settings.model_copy(update=absolute))
    recorded["keep_trades"] = "all" if settings.keep_trades is None else settings.keep_trades
    names = set(flow.parameters.properties) - (set() if settings.cooldown_explicit else {"cooldown_seconds"})
    return {name: value for name, value in recorded.items() if name in names}


def source_of(settings: Settings) -> StrategySource:
    """Return where the strategies of a run come from; UsageError if that cannot be read."""
    if settings.strategies is not None:
        return StrategySource.from_file(settings.strategies.absolute())
    if settings.settings_file is not None:
        return StrategySource.from_settings(settings.settings_file.absolute())
    if settings.grid is not None:
        return StrategySource.from_grid(settings.grid)
    return StrategySource()

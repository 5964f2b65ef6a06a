"""The settings of a run: defaults to edit, and the checked, frozen value that the flows read.

A value comes from the first that gives it: a flag, its profile, a ``NECROZMA_*`` variable, the dictionaries below.
Importing this module reads and changes nothing; :func:`load_settings` does the reading.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from necrozma_core.errors import UsageError, nearest
from necrozma_core.market.instruments import CURRENCIES, get_pair
from necrozma_core.market.timeframes import format_timeframe, parse_timeframe

WORKER_CONFIG: dict[str, Any] = {
    "default_workers": 1,  # workers when --workers is not given
    "max_workers": 16,  # more than this are refused
    "cpu_limit": 80,  # percent of the machine, everything that runs on it included
    "cooldown_seconds": 5,  # rest between batches of as many pairs as there are workers
    "nice_priority": False,  # workers give way to other processes
    "adaptive_throttling": True,  # False keeps the number of workers as it is
    "cpu_check_interval": 5,  # the CPU is looked at every so many finished pairs at least
}

STORAGE_CONFIG: dict[str, Any] = {
    "storage_format": "parquet",  # the only one
    "data_folder": "data",  # ticks, as `necrozma data import` writes them
    "results_folder": "results",
    "keep_trades": 50,  # strategies of a pair whose trades are stored, the best first; "all" stores every trade
}

BACKTEST_CONFIG: dict[str, Any] = {
    "timeframe": "5min",
    "lots": 0.1,  # size of every trade
    "commission": 0.0,  # account currency per lot and side
    "slippage_pips": 0.0,  # lost at every fill but a take-profit's
    "swap_rates": {},  # pips a night by pair: {"EURUSD": {"long": -0.52, "short": 0.11}}
    "account_currency": "USD",
    "initial_balance": 10_000.0,  # account currency
}

PREFIX: Final = "NECROZMA_"

PROFILES: Final[Mapping[str, Mapping[str, Any]]] = {
    "vm": {"workers": 4, "cpu_limit": 80, "cooldown_seconds": 5, "nice": True},
    "local": {"workers": 8, "cpu_limit": 95, "cooldown_seconds": 0},
    "shared": {"workers": 2, "cpu_limit": 50, "cooldown_seconds": 10, "nice": True},
}
"""Recipes by the name that ``--profile`` takes."""

_OTHER_VARIABLES: Final = frozenset({"NECROZMA_HOME"})  # not settings: deployments find the checkout by it
_INTERNAL: Final = frozenset({"cooldown_explicit"})  # settings that only the code below sets
_FLAGS: Final = {  # those that are not called like their settings
    "cooldown_seconds": "--cooldown",
    "slippage_pips": "--slippage",
    "settings_file": "--settings",
    "pair_timeout_s": "--pair-timeout",
    "worker_memory_mb": "--worker-memory",
    "server_home": "--home",
    "server_port": "--port",
}
_DICTIONARIES: Final = {
    "WORKER_CONFIG": WORKER_CONFIG,
    "STORAGE_CONFIG": STORAGE_CONFIG,
    "BACKTEST_CONFIG": BACKTEST_CONFIG,
}
_KEYS: Final = {  # of the dictionaries, those that are not called like their settings
    "default_workers": "workers",
    "nice_priority": "nice",
    "data_folder": "data",
    "results_folder": "results",
}


def _no_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("should be a number")
    return value


def _known_pairs(value: object) -> object:
    if value is None:
        return None
    if not isinstance(value, str | list | tuple) or not all(isinstance(part, str) for part in value):
        raise ValueError("should be names such as EURUSD,GBPUSD")
    text = value if isinstance(value, str) else " ".join(value)
    names = text.replace(",", " ").split()
    if not names:
        raise ValueError("should name at least one pair")
    return tuple(dict.fromkeys(get_pair(name).name for name in names))


def _all_is_none(value: object) -> object:
    return None if isinstance(value, str) and value.strip().lower() == "all" else _no_boolean(value)


def _known_currency(value: str) -> str:
    if value not in CURRENCIES:
        raise ValueError(f"should be one of {', '.join(sorted(CURRENCIES))}")
    return value


def _parsed_rates(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise ValueError('should be JSON such as {"EURUSD": {"long": -0.52, "short": 0.11}}') from error


def _known_rates(value: "dict[str, SwapRates]") -> "dict[str, SwapRates]":
    return {get_pair(name).name: rates for name, rates in sorted(value.items())}


def _some_path(value: object) -> object:
    if value == "":
        raise ValueError("should be a path")
    return value


Number = Annotated[float, BeforeValidator(_no_boolean), Field(allow_inf_nan=False)]
Count = Annotated[int, BeforeValidator(_no_boolean)]
SomePath = Annotated[Path, BeforeValidator(_some_path)]


def _known_scheme(value: SecretStr | None) -> SecretStr | None:
    if value is not None and not value.get_secret_value().startswith(("http://", "https://")):
        raise ValueError("should be an address that begins with http:// or https://")
    return value


class SwapRates(BaseModel):
    """What a night costs or earns on one pair, in pips; positive where the account is credited."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    long: Number = 0.0
    short: Number = 0.0


class Settings(BaseSettings):
    """What a run is asked to do. Made by :func:`load_settings`; equal settings give equal results.

    Attributes
    ----------
    max_workers, workers : int
        Worker processes: how many are allowed, and how many there are.
    cpu_limit : float
        Percent of the whole machine, other programs included.
    cooldown_seconds : float
        Rest between batches of ``workers`` pairs.
    cooldown_explicit : bool
        True where somebody asked for that rest; one that nobody asked for never outlasts its batch.
    nice, background : bool
        Workers give way to others; ``background``: they run only when nothing else wants to.
    adaptive_throttling : bool
    cpu_check_interval : int
    max_temperature_c, memory_floor_mb : float
        All rest from so many degrees on, and below so many megabytes available.
    pairs : tuple of str or None
        None stands for every pair with stored ticks.
    data, results : Path
    storage_format : str
    timeframe : str
    strategies, settings_file : Path or None
    grid : str or None
        At most one of these three; none of them stands for the default fifty.
    lots, commission, slippage_pips, swap_rates, account_currency, initial_balance
        See :class:`necrozma_core.money.costs.Costs` and :class:`necrozma_core.money.costs.Account`.
    keep_trades : int or None
        Strategies of a pair whose trades are stored; None stores all.
    pair_timeout_s : float or None
    worker_memory_mb : int or None
    prefect_home : Path or None
        Where the embedded Prefect server keeps its history; None leaves the choice to the server's module.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_prefix=PREFIX, env_ignore_empty=True)

    max_workers: Annotated[Count, Field(ge=1, le=1024)] = 16  # before the workers, whose check needs it
    workers: Annotated[Count, Field(ge=1)] = 1
    cpu_limit: Annotated[Number, Field(ge=1, le=100)] = 80.0
    cooldown_seconds: Annotated[Number, Field(ge=0, le=86_400)] = 5.0
    cooldown_explicit: bool = False
    nice: bool = False
    background: bool = False
    adaptive_throttling: bool = True
    cpu_check_interval: Annotated[Count, Field(ge=1)] = 5
    max_temperature_c: Annotated[Number, Field(ge=30, le=150)] = 90.0
    memory_floor_mb: Annotated[Number, Field(ge=0, le=1e9)] = 256.0
    pairs: Annotated[tuple[str, ...] | None, NoDecode, BeforeValidator(_known_pairs)] = None
    data: SomePath = Path("data")
    results: SomePath = Path("results")
    storage_format: Literal["parquet"] = "parquet"
    timeframe: Annotated[str, AfterValidator(lambda text: format_timeframe(parse_timeframe(text)))] = "5min"
    strategies: SomePath | None = None
    settings_file: SomePath | None = None
    grid: str | None = None
    lots: Annotated[Number, Field(gt=0, le=1e6)] = 0.1
    commission: Annotated[Number, Field(ge=0)] = 0.0
    slippage_pips: Annotated[Number, Field(ge=0)] = 0.0
    swap_rates: Annotated[
        dict[str, SwapRates], NoDecode, BeforeValidator(_parsed_rates), AfterValidator(_known_rates)
    ] = Field(default_factory=dict)
    account_currency: Annotated[str, AfterValidator(_known_currency)] = "USD"
    initial_balance: Annotated[Number, Field(gt=0)] = 10_000.0
    keep_trades: Annotated[Annotated[int, Field(ge=0)] | None, NoDecode, BeforeValidator(_all_is_none)] = 50
    pair_timeout_s: Annotated[Number, Field(gt=0)] | None = None
    worker_memory_mb: Annotated[Count, Field(ge=64)] | None = None
    prefect_home: SomePath | None = None

    def record(self) -> dict[str, Any]:
        """Return the settings as JSON values, with absolute paths: a run may be taken up from another folder."""
        record = self.model_dump(mode="json")
        paths = {name: str(value.absolute()) for name in record if isinstance(value := getattr(self, name), Path)}
        return record | paths

    @classmethod
    def settings_customise_sources(  # noqa: D102 -- pydantic-settings calls it to ask for the order of the sources
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _Dictionaries(settings_cls)

    @model_validator(mode="before")
    @classmethod
    def _note_who_asked_for_the_cooldown(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {"cooldown_explicit": "cooldown_seconds" in values, **values}

    @field_validator("workers")
    @classmethod
    def _stay_within_the_allowed(cls, workers: int, info: ValidationInfo) -> int:
        allowed = info.data.get("max_workers", workers)
        if workers > allowed:
            raise ValueError(f"should be 1 to {allowed}, the max_workers of config.py")
        return workers

    @model_validator(mode="after")
    def _have_one_source_of_strategies(self) -> "Settings":
        sources = {"--strategies": self.strategies, "--settings": self.settings_file, "--grid": self.grid}
        if len(given := [flag for flag, value in sources.items() if value is not None]) > 1:
            raise UsageError(f"{' and '.join(given)} exclude each other: each says where all strategies come from")
        return self


class ServiceSettings(BaseSettings):
    """What does not belong to a run: no result depends on it, and some of it is secret, so no manifest names it.

    Attributes
    ----------
    server_home : Path or None
        Where `necrozma server` keeps its history and password; None for a folder of the user's.
    server_port : int
        Where it listens on loopback.
    notify_url : SecretStr or None
        Where a line goes when a run ends; None: nowhere. Secret, because whoever has it can post there.
    """

    model_config = SettingsConfigDict(frozen=True, env_prefix=PREFIX, env_ignore_empty=True)

    server_home: SomePath | None = None
    server_port: Annotated[Count, Field(ge=1, le=65_535)] = 4210
    notify_url: Annotated[SecretStr | None, AfterValidator(_known_scheme)] = None


class _Dictionaries(PydanticBaseSettingsSource):
    """The dictionaries of this module as the last source of settings."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        raise NotImplementedError  # the base class wants it; `__call__` gives all values at once

    def __call__(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, dictionary in _DICTIONARIES.items():
            for key, value in dictionary.items():
                setting = _KEYS.get(key, key)
                if setting not in Settings.model_fields:
                    known = {*_KEYS, *Settings.model_fields} - {*_KEYS.values(), *_INTERNAL}
                    raise UsageError(f"config.py: {name} has an unknown key {key!r}: {nearest(str(key), known)}")
                values[setting] = value
        if values.get("cooldown_seconds") == Settings.model_fields["cooldown_seconds"].default:
            del values["cooldown_seconds"]  # as shipped: nobody asked for it
        return values


S = TypeVar("S", bound=BaseSettings)


def load_settings(flags: Mapping[str, Any] | None = None, *, profile: Mapping[str, Any] | None = None) -> Settings:
    """Gather the settings of a run from flags, profile, environment and the dictionaries of this module.

    Parameters
    ----------
    flags : mapping of str to object, optional
        By the names of the settings; None stands for a flag that was not given, ``"all"`` for every trade.
    profile : mapping of str to object, optional
        What a profile recommends: yields to flags, goes before everything else.

    Returns
    -------
    Settings

    Raises
    ------
    UsageError
        One line that names the flag, variable or key, what is expected there and what was found.
    """
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    _refuse_unknown_variables()
    return _checked(Settings, {**(profile or {}), **given}, given)


def load_service_settings(flags: Mapping[str, Any] | None = None) -> ServiceSettings:
    """Gather what is not about a run, from flags and environment.

    Raises
    ------
    UsageError
        One line that names the flag or variable.
    """
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    return _checked(ServiceSettings, given, given)


def restore_settings(record: Mapping[str, Any]) -> Settings:
    """Make the settings of a recorded run again; see :meth:`Settings.record`.

    Raises
    ------
    UsageError
        The record is of another version of the product.
    """
    return _checked(Settings, record, {}, "the run's settings are not those of this version: ")


def _checked(kind: type[S], values: Mapping[str, Any], given: Mapping[str, Any], beginning: str = "") -> S:
    try:
        return kind(**values)
    except ValidationError as error:
        raise UsageError(beginning + _one_line(error, given)) from error


def flag_of(name: str) -> str:
    """Return the flag that gives a setting."""
    return _FLAGS.get(name, "--" + name.replace("_", "-"))


def _refuse_unknown_variables() -> None:
    names = Settings.model_fields.keys() | ServiceSettings.model_fields.keys()
    known = {PREFIX + name.upper() for name in names - _INTERNAL}
    for name in sorted(os.environ):
        if name.upper().startswith(PREFIX) and name.upper() not in known | _OTHER_VARIABLES:
            raise UsageError(f"unknown variable {name}: {nearest(name.upper(), known)}")


def _one_line(error: ValidationError, given: Mapping[str, Any]) -> str:
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "extra_forbidden" and len(first["loc"]) == 1:
        return f"unknown setting {name!r}: {nearest(name, Settings.model_fields)}"
    inner = "".join(f"[{part!r}]" for part in first["loc"][1:])
    unknown_inside = first["type"] == "extra_forbidden"
    problem = "is not known" if unknown_inside else first["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return f"{_place(name, given)}{inner}: {problem}; found {first['input']!r:.60}"


def _place(name: str, given: Mapping[str, Any]) -> str:
    variables = {variable.upper(): variable for variable, value in os.environ.items() if value}
    if name in given:
        return flag_of(name)
    if (variable := PREFIX + name.upper()) in variables:
        return variables[variable]
    for dictionary, keys in _DICTIONARIES.items():
        for key in keys:
            if _KEYS.get(key, key) == name:
                return f"config.py: {dictionary}[{key!r}]"
    return name

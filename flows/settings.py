"""The settings of a run as one checked, frozen value, gathered from flags, profile, environment and ``config.py``.

``config.py`` says what settings there are; here is what needs pydantic.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

from pydantic import AfterValidator, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from flows.configuration import (
    BACKTEST_CONFIG,
    PREFIX,
    SETTINGS,
    STORAGE_CONFIG,
    WORKER_CONFIG,
    HostFields,
    RunFields,
    find_line,
)
from flows.fields import Commission, Instrument, SwapRates
from necrozma_core.errors import UsageError, nearest, shown
from necrozma_core.market.instruments import CURRENCIES, Terms, get_pair
from necrozma_core.market.timeframes import format_timeframe, parse_timeframe
from necrozma_core.money.costs import CommissionTerms, Costs
from necrozma_core.money.size import Size
from necrozma_core.system.chosen import PORTABLE_VARIABLE

# Not settings: deployments find the checkout by the first, tests choose the portable half of the seam by the second.
_OTHER_VARIABLES: Final = frozenset({"NECROZMA_HOME", PORTABLE_VARIABLE})
SOURCES: Final = ("strategies", "settings_file", "grid", "catalog")
"""Settings of which each says where all strategies come from."""
INTERNAL: Final = frozenset({"cooldown_explicit", "repairs"})
"""Settings that only code sets: no flag, variable or key gives them."""
_DICTIONARIES: Final = {
    "WORKER_CONFIG": WORKER_CONFIG,
    "STORAGE_CONFIG": STORAGE_CONFIG,
    "BACKTEST_CONFIG": BACKTEST_CONFIG,
}
_INSIDE: Final = {
    "swap_rates": [field.name for field in fields(SwapRates)],
    "commissions": [field.name for field in fields(Commission)],
    "swap_triple_day": [],
    "instruments": [field.name for field in fields(Instrument)],
}
"""What the settings that are told by pair say of one."""
_EXAMPLES: Final = {name: json.dumps(SETTINGS[name].form.examples[0]) for name in _INSIDE}  # type: ignore[union-attr,index]
_SETTING_OF_KEY: Final = {setting.key: setting.name for setting in SETTINGS.values()}


class Settings(RunFields, BaseSettings):
    """What a run is asked to do. Made by :func:`load_settings`; equal settings give equal results."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        env_prefix=PREFIX,
        env_ignore_empty=True,
        enable_decoding=False,
    )

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

    @field_validator("pairs", mode="before")
    @classmethod
    def _know_the_pairs(cls, value: object) -> object:
        if value is None:
            return None
        if not isinstance(value, str | list | tuple) or not all(isinstance(part, str) for part in value):
            raise ValueError("should be names such as EURUSD,GBPUSD")
        text = value if isinstance(value, str) else " ".join(value)
        names = text.replace(",", " ").split()
        if not names:
            raise ValueError("should name at least one pair")
        return tuple(dict.fromkeys(get_pair(name).name for name in names))

    @field_validator("timeframe")
    @classmethod
    def _spell_the_timeframe_as_we_do(cls, text: str) -> str:
        return format_timeframe(parse_timeframe(text))

    @field_validator(*_EXAMPLES, mode="before")
    @classmethod
    def _parse_what_is_told_by_pair(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError as error:
            raise ValueError(f"should be JSON such as {_EXAMPLES[info.field_name or '']}") from error

    @field_validator("swap_rates", "commissions", "swap_triple_day")
    @classmethod
    def _know_the_costs_of_each_pair(cls, value: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        known = {get_pair(name).name: said for name, said in sorted(value.items())}
        for name, said in known.items():
            try:
                _check_cost(info.field_name or "", said)
            except UsageError as error:
                raise ValueError(f"{name}: {error}") from error
        return known

    @field_validator("size")
    @classmethod
    def _spell_the_size_as_we_do(cls, text: str | None) -> str | None:
        return None if text is None else str(Size.parse(text))

    @field_validator("instruments")
    @classmethod
    def _know_the_instruments(cls, value: dict[str, Instrument]) -> dict[str, Instrument]:
        for name, each in value.items():
            try:
                get_pair(name).under(Terms(**asdict(each)))
            except UsageError as error:
                raise ValueError(str(error)) from error
        return dict(sorted(value.items()))

    @field_validator("account_currency")
    @classmethod
    def _know_the_currency(cls, value: str) -> str:
        if value not in CURRENCIES:
            raise ValueError(f"should be one of {', '.join(sorted(CURRENCIES))}")
        return value

    @field_validator("workers")
    @classmethod
    def _stay_within_the_allowed(cls, workers: int, info: ValidationInfo) -> int:
        allowed = info.data.get("max_workers", workers)
        if workers > allowed:
            raise ValueError(f"should be 1 to {allowed}, the max_workers of config.py")
        return workers

    @field_validator("keep_trades", mode="before")
    @classmethod
    def _take_all_for_none(cls, value: object) -> object:
        return None if isinstance(value, str) and value.strip().lower() == "all" else value

    @model_validator(mode="after")
    def _have_one_source_of_strategies(self) -> "Settings":
        given = [name for name in SOURCES if getattr(self, name) is not None]
        if len(given) > 1:
            flags = " and ".join(_flag_of(name) for name in given)
            raise UsageError(f"{flags} exclude each other: each says where all strategies come from")
        return self


def _check_cost(setting: str, said: Any) -> None:
    if setting == "swap_triple_day":
        Costs(swap_triple_day=said)
    elif setting == "swap_rates":
        Costs(swap_long_pips=said.long, swap_short_pips=said.short)
    else:
        CommissionTerms(**asdict(said)).of(Costs())


class _WithoutVariables(Settings):
    """Settings that the environment has no part in."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, _Dictionaries(settings_cls)


def _known_scheme(value: SecretStr | None) -> SecretStr | None:
    if value is not None and not value.get_secret_value().startswith(("http://", "https://")):
        raise ValueError("should be an address that begins with http:// or https://")
    return value


class HostSettings(HostFields, BaseSettings):
    """What does not belong to a run: no result depends on it, and some of it is secret, so no manifest names it.

    Attributes
    ----------
    notify_url : SecretStr or None
        Where a line goes when a run ends; None: nowhere. Secret, because whoever has it can post there; only pydantic
        has a type for what is secret, so this setting stands here and not in config.py.
    """

    model_config = SettingsConfigDict(frozen=True, env_prefix=PREFIX, env_ignore_empty=True)

    notify_url: Annotated[SecretStr | None, AfterValidator(_known_scheme)] = None


SECRETS: Final = frozenset({"notify_url"})
"""Settings whose values no message shows."""


class _Dictionaries(PydanticBaseSettingsSource):
    """The dictionaries of ``config.py`` as the last source of settings."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        raise NotImplementedError  # the base class wants it; `__call__` gives all values at once

    def __call__(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, dictionary in _DICTIONARIES.items():
            if not isinstance(dictionary, dict):
                raise UsageError(f"{find_line(name)}: {name} should be a dictionary, {{...}}")
            for key, value in dictionary.items():
                setting = _SETTING_OF_KEY.get(key, key)
                if setting not in Settings.model_fields or setting in INTERNAL:
                    known = [SETTINGS[field].key for field in Settings.model_fields.keys() - INTERNAL]
                    raise UsageError(
                        f"{find_line(name, key)}: {name} has an unknown key {shown(key)}: {nearest(str(key), known)}"
                    )
                if setting in values:
                    raise UsageError(
                        f"{find_line(name, key)}: {shown(key)} is a second name of {shown(SETTINGS[setting].key)}, "
                        "which is there too: keep one of them"
                    )
                values[setting] = value
        if values.get("cooldown_seconds") == Settings.model_fields["cooldown_seconds"].default:
            del values["cooldown_seconds"]  # as shipped: nobody asked for it
        return values


S = TypeVar("S", bound=BaseSettings)


def load_settings(flags: Mapping[str, Any] | None = None, *, profile: Mapping[str, Any] | None = None) -> Settings:
    """Gather the settings of a run from flags, profile, environment and the dictionaries of ``config.py``.

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
    recipe = profile or {}
    places = {name: f'{find_line("PROFILES")}: PROFILES, "{name}"' for name in recipe}
    return _checked(Settings, {**recipe, **given}, places | {name: _flag_of(name) for name in given})


def load_configured() -> Settings:
    """Return what holds without any flag and variable: what ``config.py`` alone asks for; UsageError as above."""
    return _checked(_WithoutVariables, {}, {})


def names_in_environment() -> frozenset[str]:
    """Return the names of the settings that a ``NECROZMA_*`` variable gives."""
    said = {variable.upper() for variable, value in os.environ.items() if value}
    return frozenset(name for name in Settings.model_fields if PREFIX + name.upper() in said)


def load_host_settings(flags: Mapping[str, Any] | None = None) -> HostSettings:
    """Gather what is not about a run, from flags and environment.

    Raises
    ------
    UsageError
        One line that names the flag or variable.
    """
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    return _checked(HostSettings, given, {name: _flag_of(name) for name in given})


def restore_settings(record: Mapping[str, Any]) -> Settings:
    """Make the settings of a recorded run again; see :meth:`Settings.record`.

    Raises
    ------
    UsageError
        The record is of another version of the product.
    """
    return _checked(Settings, record, {}, "the run's settings are not those of this version: ")


def _checked(kind: type[S], values: Mapping[str, Any], places: Mapping[str, str], beginning: str = "") -> S:
    """Make settings of values, of which `places` says where they were given, unless that can be found out."""
    try:
        return kind(**values)
    except ValidationError as error:
        # Pydantic's own words quote the value, and a traceback would show them.
        is_secret = any(part in SECRETS for found in error.errors() for part in found["loc"])
        raise UsageError(beginning + _one_line(error, places)) from (None if is_secret else error)


def _refuse_unknown_variables() -> None:
    names = Settings.model_fields.keys() | HostSettings.model_fields.keys()
    known = {PREFIX + name.upper() for name in names - INTERNAL}
    for name in sorted(os.environ):
        if name.upper().startswith(PREFIX) and name.upper() not in known | _OTHER_VARIABLES:
            raise UsageError(f"unknown variable {name}: {nearest(name.upper(), known, prefix=PREFIX)}")


def _one_line(error: ValidationError, places: Mapping[str, str]) -> str:
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "extra_forbidden" and len(first["loc"]) == 1:
        return f"unknown setting {shown(name)}: {nearest(name, Settings.model_fields)}"
    inner = "".join(f"[{json.dumps(part)}]" for part in first["loc"][1:])
    where = f"{places.get(name) or _place(name)}{inner}"
    if first["type"] == "unexpected_keyword_argument":
        return f"{where}: is not known: {nearest(str(first['loc'][-1]), _INSIDE[name])}"
    problem = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if name in SECRETS:
        return f"{where}: {problem}; what was found is not shown, because it may be a secret"
    return f"{where}: {problem}; found {shown(first['input'])}"


def _place(name: str) -> str:
    variables = {variable.upper(): variable for variable, value in os.environ.items() if value}
    if (variable := PREFIX + name.upper()) in variables:
        return variables[variable]
    for dictionary, keys in _DICTIONARIES.items():
        for key in keys:
            if _SETTING_OF_KEY.get(key, key) == name:
                return f'{find_line(dictionary, key)}: {dictionary}["{key}"]'
    return name


def _flag_of(name: str) -> str:
    setting = SETTINGS.get(name)
    return setting.flag.name if setting and setting.flag else "--" + name.replace("_", "-")

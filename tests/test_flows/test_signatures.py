"""The two signatures that Typer and Prefect need, and what else repeats a setting, against ``config.py``."""

import inspect
from collections.abc import Callable, Iterator
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import pytest
from typer.main import get_command

from config import (
    BACKTEST_CONFIG,
    PROFILES,
    SETTINGS,
    STORAGE_CONFIG,
    WORKER_CONFIG,
    HostFields,
    RunFields,
)
from flows.backtest import backtest_pairs
from flows.cli.app import app, backtest
from flows.cli.options import Profile, option
from flows.fields import Range, Setting
from flows.parameters import parameter
from flows.settings import HostSettings, Settings, load_host_settings, load_settings
from necrozma_core.errors import UsageError

# What the command takes beside settings: how a run looks, and recipes for several settings at once.
NO_SETTINGS = {"ctx", "profile", "quiet", "plain", "debug"}
TYPED = {name: setting for name, setting in SETTINGS.items() if setting.flag and setting.flag.group}
IN_FORM = {name: setting for name, setting in SETTINGS.items() if setting.form}


def choices(kind: Any) -> set[Any]:
    """What a type takes besides None and fixed words; a list where a setting keeps a tuple."""
    kind = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    if get_origin(kind) is Literal or kind is NoneType:
        return set()
    if get_origin(kind) is tuple:
        return {list[get_args(kind)[0]]}  # type: ignore[misc]
    if get_args(kind) and get_origin(kind) not in {list, dict}:
        return set().union(*map(choices, get_args(kind)))
    return {kind}


def annotations(function: Callable[..., Any]) -> dict[str, Any]:
    return get_type_hints(function, include_extras=True)


def described(schema: dict[str, Any]) -> dict[str, Any]:
    """The bounds of a parameter's schema, wherever among its choices they stand."""
    names = {"minimum": "ge", "exclusiveMinimum": "gt", "maximum": "le", "exclusiveMaximum": "lt"}
    return {names[key]: value for choice in schema["anyOf"] for key, value in choice.items() if key in names}


def test_parameters_of_the_command_are_the_settings_that_have_a_flag() -> None:
    assert inspect.signature(backtest).parameters.keys() - NO_SETTINGS == TYPED.keys()


@pytest.mark.parametrize("setting", TYPED.values(), ids=TYPED)
def test_parameter_of_the_command_is_as_its_setting_says(setting: Setting) -> None:
    assert setting.flag is not None
    found = annotations(backtest)[setting.name]
    # A number of trades or a word is a text on the command line.
    assert choices(found) == ({str} if setting.name == "keep_trades" else choices(setting.kind))
    assert NoneType in get_args(get_args(found)[0]), "None stands for a flag that was not given"
    assert inspect.signature(backtest).parameters[setting.name].default is None
    assert vars(found.__metadata__[0]) == vars(option(setting.name)), "the option of another setting"
    assert (setting.kind is bool) == (setting.flag.metavar is None), "what stands for the value; a switch has none"


def test_parameters_of_the_flow_are_the_settings_that_have_a_form() -> None:
    assert inspect.signature(backtest_pairs.fn).parameters.keys() == IN_FORM.keys()


@pytest.mark.parametrize("setting", IN_FORM.values(), ids=IN_FORM)
def test_parameter_of_the_flow_is_as_its_setting_says(setting: Setting) -> None:
    assert setting.form is not None
    found = annotations(backtest_pairs.fn)[setting.name]
    assert choices(found) == choices(setting.kind)
    assert NoneType in get_args(get_args(found)[0]), "None stands for what was left empty"
    assert inspect.signature(backtest_pairs.fn).parameters[setting.name].default is None
    assert repr(found.__metadata__[0]) == repr(parameter(setting.name)), "the parameter of another setting"
    schema = backtest_pairs.parameters.properties[setting.name]
    assert schema["description"] == setting.form.description
    assert schema["title"] == setting.name.replace("_", " ").capitalize()
    # The form sends null for what was left empty, and shows a choice without a title by its type.
    titles = {choice.get("type"): choice.get("title") for choice in schema["anyOf"]}
    assert titles["null"] == "as configured"
    assert all(titles.values())
    assert schema.get("examples") == setting.form.examples
    bounds = setting.range or (Range(ge=0) if setting.name == "keep_trades" else Range())
    stated = {"ge": bounds.ge, "gt": bounds.gt, "le": setting.form.le or bounds.le}
    assert described(schema) == {name: bound for name, bound in stated.items() if bound is not None}


def all_options(command: Any) -> Iterator[Any]:
    yield from command.params
    for child in getattr(command, "commands", {}).values():
        yield from all_options(child)


@pytest.mark.parametrize("setting", [setting for setting in SETTINGS.values() if setting.flag], ids=lambda it: it.name)
def test_flag_of_a_setting_is_explained_alike_by_some_command(setting: Setting) -> None:
    assert setting.flag is not None
    flags = [(flag.opts[0], flag.help, flag.metavar) for flag in all_options(get_command(app))]
    assert (setting.flag.name, setting.flag.help, setting.flag.metavar) in flags


@pytest.mark.parametrize(
    ("fields", "checked", "elsewhere"), [(RunFields, Settings, set()), (HostFields, HostSettings, {"notify_url"})]
)
def test_every_setting_is_a_field_of_the_configuration(fields: type, checked: Any, elsewhere: set[str]) -> None:
    assert set(fields.__annotations__) == checked.model_fields.keys() - elsewhere
    assert set(fields.__annotations__) <= SETTINGS.keys()
    for name in fields.__annotations__:
        assert checked.model_fields[name].get_default(call_default_factory=True) == getattr(fields, name)


BOUNDED = [setting for setting in SETTINGS.values() if setting.range]


@pytest.mark.parametrize("setting", BOUNDED, ids=lambda setting: setting.name)
def test_number_beyond_the_range_of_its_setting_is_refused(setting: Setting) -> None:
    assert setting.range is not None
    load = load_host_settings if setting.name in HostFields.__annotations__ else load_settings
    for bound, step in ((setting.range.ge, -1), (setting.range.gt, 0), (setting.range.le, 1)):
        if bound is not None:
            with pytest.raises(UsageError, match=f"should be .*; found {bound + step}$"):
                load({setting.name: bound + step})


def test_keys_of_the_dictionaries_are_those_of_different_settings() -> None:
    keys = [*WORKER_CONFIG, *STORAGE_CONFIG, *BACKTEST_CONFIG]
    assert len(keys) == len(set(keys))
    assert set(keys) <= {setting.key for setting in SETTINGS.values()}
    assert len({setting.key for setting in SETTINGS.values()}) == len(SETTINGS)


def test_profiles_of_the_command_are_those_of_the_configuration() -> None:
    assert {profile.value for profile in Profile} == PROFILES.keys()
    assert {name for recipe in PROFILES.values() for name in recipe} <= SETTINGS.keys()

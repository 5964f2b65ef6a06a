"""Settings: where they come from, what is refused, and that they come back as they were recorded."""

import math
import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import config
from flows.settings import Settings, load_settings, restore_settings
from necrozma_core.errors import UsageError
from necrozma_core.market.instruments import PAIRS
from necrozma_core.money.costs import Account, Costs

ROOT = Path(config.__file__).parent

SEED_KEYS = {
    "default_workers": 1,
    "max_workers": 16,
    "cpu_limit": 80,
    "cooldown_seconds": 5,
    "nice_priority": False,
    "adaptive_throttling": True,
    "cpu_check_interval": 5,
}


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith("NECROZMA_")]:
        monkeypatch.delenv(name)


def place(beginning: str) -> str:
    """How a message names the line of config.py that begins like this."""
    lines = Path(config.__file__).read_text(encoding="utf-8").splitlines()
    number = next(number for number, line in enumerate(lines, 1) if line.strip().startswith(beginning))
    return f"{config.__file__}, line {number}: "


def refusal(flags: dict[str, object] | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        load_settings(flags)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_worker_config_as_shipped_has_the_seven_keys() -> None:
    assert config.WORKER_CONFIG == SEED_KEYS


def test_settings_without_anything_given_are_those_of_the_dictionaries() -> None:
    assert load_settings() == Settings(
        workers=1, cpu_limit=80, cooldown_seconds=5, cooldown_explicit=False, data=Path("data"), results=Path("results")
    )


def test_field_defaults_agree_with_the_dictionaries(monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = load_settings()
    for dictionary in (config.WORKER_CONFIG, config.STORAGE_CONFIG, config.BACKTEST_CONFIG):
        for key in list(dictionary):
            monkeypatch.delitem(dictionary, key)
    assert load_settings() == shipped


def test_cost_defaults_agree_with_the_core() -> None:
    settings = load_settings()
    account = Account(settings.account_currency, settings.initial_balance)
    assert account == Account()
    assert Costs(settings.commission, settings.slippage_pips) == Costs()
    assert {field.name for field in fields(Account)} == {"currency", "initial_balance"}


def test_import_with_bad_environment_has_no_effect(tmp_path: Path) -> None:
    program = "import config, os; print(sorted(os.listdir('.')))"
    environment = {**os.environ, "NECROZMA_WORKERS": "nonsense", "PYTHONPATH": str(ROOT)}
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert (found.returncode, found.stdout, found.stderr) == (0, "[]\n", "")


def test_each_source_goes_before_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().workers == 1
    monkeypatch.setitem(config.WORKER_CONFIG, "default_workers", 2)
    assert load_settings().workers == 2
    monkeypatch.setenv("NECROZMA_WORKERS", "3")
    assert load_settings().workers == 3
    assert load_settings(profile={"workers": 4}).workers == 4
    assert load_settings({"workers": 5}, profile={"workers": 4}).workers == 5
    assert load_settings({"workers": None}, profile={"workers": 4}).workers == 4


def test_variable_in_lower_case_and_empty_variable_are_read_as_people_mean_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("necrozma_workers", "3")
    monkeypatch.setenv("NECROZMA_CPU_LIMIT", "")
    assert (load_settings().workers, load_settings().cpu_limit) == (3, 80)


def test_variables_of_every_kind_are_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NECROZMA_PAIRS", "EURUSD, GBPUSD")
    monkeypatch.setenv("NECROZMA_KEEP_TRADES", "all")
    monkeypatch.setenv("NECROZMA_NICE", "true")
    monkeypatch.setenv("NECROZMA_RESULTS", "/tmp/elsewhere")
    monkeypatch.setenv("NECROZMA_SWAP_RATES", '{"EURUSD": {"long": -0.5, "short": 0.1}}')
    settings = load_settings()
    assert settings.pairs == ("EURUSD", "GBPUSD")
    assert settings.keep_trades is None
    assert settings.nice is True
    assert settings.results == Path("/tmp/elsewhere")
    assert (settings.swap_rates["EURUSD"].long, settings.swap_rates["EURUSD"].short) == (-0.5, 0.1)


@pytest.mark.parametrize(
    ("dictionary", "variable", "flag", "explicit"),
    [
        (5, None, None, False),
        (7, None, None, True),
        (5, "5", None, True),
        (5, None, 5, True),
        (5, None, 0, True),
    ],
)
def test_cooldown_is_explicit_where_somebody_asked_for_it(
    monkeypatch: pytest.MonkeyPatch, dictionary: int, variable: str | None, flag: int | None, explicit: bool
) -> None:
    monkeypatch.setitem(config.WORKER_CONFIG, "cooldown_seconds", dictionary)
    if variable is not None:
        monkeypatch.setenv("NECROZMA_COOLDOWN_SECONDS", variable)
    assert load_settings({"cooldown_seconds": flag}).cooldown_explicit is explicit


def test_cooldown_of_a_profile_is_explicit() -> None:
    assert load_settings(profile=config.PROFILES["vm"]).cooldown_explicit


def test_profiles_are_the_recipes_of_the_guide() -> None:
    recipes = {name: load_settings(profile=recipe) for name, recipe in config.PROFILES.items()}
    assert {name: (s.workers, s.cpu_limit, s.cooldown_seconds, s.nice) for name, s in recipes.items()} == {
        "vm": (4, 80, 5, True),
        "local": (8, 95, 0, False),
        "shared": (2, 50, 10, True),
    }


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load_settings().workers = 3


@pytest.mark.parametrize(
    ("flags", "beginning"),
    [
        ({"workers": 0}, "--workers: "),
        ({"workers": 17}, "--workers: should be 1 to 16"),
        ({"workers": True}, "--workers: should be a number"),
        ({"cpu_limit": 150}, "--cpu-limit: "),
        ({"cpu_limit": 0}, "--cpu-limit: "),
        ({"cooldown_seconds": -1}, "--cooldown: "),
        ({"keep_trades": "some"}, "--keep-trades: "),
        ({"keep_trades": -1}, "--keep-trades: "),
        ({"pairs": "EURUSX"}, "unknown pair 'EURUSX': did you mean EURUSD"),
        ({"pairs": " , "}, "--pairs: should name at least one pair"),
        ({"timeframe": "7min"}, "timeframe '7min' does not divide a day"),
        ({"timeframe": "five"}, "timeframe 'five': expected"),
        ({"lots": 0}, "--lots: "),
        ({"slippage_pips": 3e8}, "--slippage: should be"),
        ({"size": "half"}, "--size 'half': expected lots:0.1, risk:1%"),
        ({"leverage": 0.5}, "--leverage: "),
        ({"stop_out_percent": 0}, "--stop-out: "),
        ({"conversion": "bid"}, "--conversion: "),
        ({"account_currency": "usd"}, "--account-currency: should be one of AUD"),
        ({"data": ""}, "--data: should be a path"),
        ({"worker_memory_mb": 3}, "--worker-memory: "),
        ({"pair_timeout_s": 0}, "--pair-timeout: "),
        ({"latency_ms": -1}, "--latency-ms: "),
        ({"latency_ms": 2.5}, "--latency-ms: "),
        ({"latency_ms": True}, "--latency-ms: should be a number"),
        ({"latency_ms": 3e8}, "--latency-ms: "),
        ({"max_quote_age_s": 0}, "--max-quote-age: "),
        ({"max_quote_age_s": "soon"}, "--max-quote-age: "),
        ({"strategies": "a.py", "grid": "family=rsi"}, "--strategies and --grid exclude each other"),
        ({"catalog": "extended", "grid": "family=rsi"}, "--grid and --catalog exclude each other"),
        ({"catalog": "extendet"}, "--catalog: should be 'default' or 'extended'"),
        ({"label": " "}, "--label: should be a name of up to 60 printable characters"),
        ({"label": "latest"}, "--label: should be a name"),
        ({"label": "red \x1b[31m"}, "--label: should be a name"),
        ({"label": "x" * 61}, "--label: should be a name"),
        ({"wrokers": 3}, "unknown setting 'wrokers': did you mean workers"),
    ],
)
def test_bad_flag_is_refused_in_one_line_that_names_it(flags: dict[str, object], beginning: str) -> None:
    assert refusal(flags).startswith(beginning)


@pytest.mark.parametrize("path", ["a" * 256, "a/" * 2_500, "a\0b"])
@pytest.mark.parametrize("name", ["data", "results", "strategies", "settings_file", "prefect_home"])
def test_path_that_no_system_can_have_is_refused_by_its_flag(name: str, path: str) -> None:
    with pytest.raises(UsageError, match=r"^--[a-z-]+: should be a path of at most 4,000 bytes") as caught:
        load_settings({name: path})
    assert len(str(caught.value)) < 250


def test_found_address_is_hidden_before_it_is_cut() -> None:
    with pytest.raises(UsageError) as caught:
        load_settings({"workers": "http://me:" + "secret" * 20 + "@host"})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "cpu_limit",
        "cooldown_seconds",
        "lots",
        "commission",
        "slippage_pips",
        "initial_balance",
        "pair_timeout_s",
        "max_quote_age_s",
    ],
)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_number_that_is_none_is_refused(name: str, value: float) -> None:
    assert "found" in refusal({name: value})


def test_bad_variable_is_refused_by_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NECROZMA_WORKERS", "many")
    assert refusal().startswith("NECROZMA_WORKERS: ")
    assert load_settings({"workers": 2}).workers == 2


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("{", "should be JSON such as"),
        ('{"EURUSD": {"lang": 1}}', '["EURUSD"]["lang"]: is not known: did you mean long?'),
        ('{"EURUSX": {"long": 1}}', "unknown pair 'EURUSX'"),
        ('{"EURUSD": {"long": NaN}}', "should be a finite number"),
    ],
)
def test_bad_swap_rates_are_refused(monkeypatch: pytest.MonkeyPatch, value: str, part: str) -> None:
    monkeypatch.setenv("NECROZMA_SWAP_RATES", value)
    assert part in refusal()


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("COMMISSIONS", '{"EURUSD": {"per_lots": 1}}', '["EURUSD"]["per_lots"]: is not known: did you mean per_lot'),
        ("COMMISSIONS", '{"EURUSD": {"percent": 11}}', "EURUSD: commission_percent: expected a number from 0 to 10"),
        (
            "SWAP_RATES",
            '{"EURUSD": {"long": 20000}}',
            "EURUSD: swap_long_pips: expected a number from -10,000 to 10,000",
        ),
        ("SWAP_TRIPLE_DAY", '{"USDCAD": "sunday"}', "USDCAD: swap_triple_day: expected one of monday, tuesday"),
        ("SWAP_TRIPLE_DAY", '{"USDCAX": "friday"}', "unknown pair 'USDCAX'"),
        ("INSTRUMENTS", '{"EURUSD": {"leverage": 0}}', "EURUSD: a leverage of 0.0: expected 1 to 10,000"),
        ("INSTRUMENTS", '{"EURUSD": {"max_lots": 0.001}}', "EURUSD: a max_lots of 0.001: expected no less than"),
    ],
)
def test_bad_costs_of_a_pair_are_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str, part: str) -> None:
    monkeypatch.setenv(f"NECROZMA_{name}", value)
    assert part in refusal()


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("{", 'NECROZMA_INSTRUMENTS: should be JSON such as {"XAUUSD": {"pip": 0.01, "contract_size": 10}}'),
        ('{"XAUUSD": {"pips": 1}}', '["XAUUSD"]["pips"]: is not known: did you mean pip?'),
        ('{"XAUUSX": {"pip": 1}}', "NECROZMA_INSTRUMENTS: unknown pair 'XAUUSX'"),
        ('{"XAUUSD": {"pip": NaN}}', "should be a finite number"),
        ('{"XAUUSD": {"pip": 0.05}}', "NECROZMA_INSTRUMENTS: XAUUSD: a pip of 0.05: expected 0.01, 0.1 or 1; found"),
        ('{"XAUUSD": {"contract_size": -100}}', "XAUUSD: a contract_size of -100: expected 1 to 10,000,000"),
        ('{"XAUUSD": {"contract_size": true}}', '["XAUUSD"]["contract_size"]: should be a number; found true'),
    ],
)
def test_bad_instruments_are_refused(monkeypatch: pytest.MonkeyPatch, value: str, part: str) -> None:
    monkeypatch.setenv("NECROZMA_INSTRUMENTS", value)
    assert part in refusal()


def test_instruments_come_from_a_variable_or_from_the_dictionary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(config.BACKTEST_CONFIG, "instruments", {"XAUUSD": {"pip": 0.01}})
    gold = load_settings().instruments["XAUUSD"]
    assert (gold.pip, gold.contract_size) == (0.01, None)
    monkeypatch.setenv("NECROZMA_INSTRUMENTS", '{"XAUUSD": {"contract_size": 10}}')
    gold = load_settings().instruments["XAUUSD"]
    assert (gold.pip, gold.contract_size) == (None, 10)


def test_unknown_variable_is_refused_with_the_nearest_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NECROZMA_WORKRES", "3")
    assert refusal() == "unknown variable NECROZMA_WORKRES: did you mean NECROZMA_WORKERS or NECROZMA_MAX_WORKERS?"


def test_label_is_taken_from_every_source_without_the_spaces_around_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().label is None
    monkeypatch.setitem(config.STORAGE_CONFIG, "label", "from config.py")
    assert load_settings().label == "from config.py"
    monkeypatch.setenv("NECROZMA_LABEL", " nach dem Umbau ")
    assert load_settings().label == "nach dem Umbau"
    assert load_settings({"label": "by flag"}).label == "by flag"


def test_storage_format_has_the_originals_key_and_takes_its_older_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(config.STORAGE_CONFIG, "format", "json")
    assert load_settings().storage_format == "json"
    assert load_settings({"storage_format": "parquet"}).storage_format == "parquet"
    monkeypatch.setitem(config.STORAGE_CONFIG, "format", "csv")
    assert "STORAGE_CONFIG[\"format\"]: should be 'parquet' or 'json'; found 'csv'" in refusal()
    monkeypatch.setitem(config.STORAGE_CONFIG, "storage_format", "json")
    assert "'storage_format' is a second name of 'format', which is there too: keep one of them" in refusal()
    monkeypatch.delitem(config.STORAGE_CONFIG, "format")
    assert load_settings().storage_format == "json"


def test_internal_setting_as_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NECROZMA_COOLDOWN_EXPLICIT", "NECROZMA_REPAIRS"):
        monkeypatch.setenv(name, "1")
        assert refusal().startswith(f"unknown variable {name}")
        monkeypatch.delenv(name)


def test_checkout_variable_of_deployments_is_let_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NECROZMA_HOME", "/somewhere")
    assert load_settings().workers == 1


def test_unknown_key_is_refused_with_the_nearest_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(config.WORKER_CONFIG, "nice_prio", True)
    beginning = place("WORKER_CONFIG")  # the dictionary's: a test put the key in, and the file does not say it
    assert refusal() == f"{beginning}WORKER_CONFIG has an unknown key 'nice_prio': did you mean nice_priority?"


def test_bad_key_is_refused_by_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(config.WORKER_CONFIG, "cpu_limit", "high")
    assert refusal().startswith(place('"cpu_limit"') + 'WORKER_CONFIG["cpu_limit"]: ')


@pytest.mark.parametrize("text", ["EURUSD,GBPUSD", "EURUSD GBPUSD", " EURUSD, GBPUSD ,", ["EURUSD,GBPUSD", "EURUSD"]])
def test_pairs_are_taken_however_they_are_separated(text: object) -> None:
    assert load_settings({"pairs": text}).pairs == ("EURUSD", "GBPUSD")


@given(st.text() | st.lists(st.sampled_from(["EURUSD", "XAUUSD", ",", " "])).map("".join))
def test_pairs_of_any_text_are_known_ones_or_refused(text: str) -> None:
    names = text.replace(",", " ").split()
    if names and set(names) <= PAIRS.keys():
        assert set(load_settings({"pairs": text}).pairs or ()) == set(names)
    else:
        assert refusal({"pairs": text})


settings_given = st.fixed_dictionaries(
    {},
    optional={
        "workers": st.integers(1, 16),
        "cpu_limit": st.floats(1, 100),
        "cooldown_seconds": st.floats(0, 86_400),
        "nice": st.booleans(),
        "background": st.booleans(),
        "strict": st.booleans(),
        "pairs": st.lists(st.sampled_from(sorted(PAIRS)), min_size=1, unique=True),
        "data": st.sampled_from(["data", "/srv/ticks", "a b/c"]),
        "timeframe": st.sampled_from(["30s", "1min", "5min", "1h", "1d"]),
        "grid": st.just("family=rsi period=7,14"),
        "lots": st.floats(0.001, 1e6),
        "commission": st.floats(0, 1e3),
        "slippage_pips": st.floats(0, 1e3),
        "latency_ms": st.integers(0, 600_000),
        "max_quote_age_s": st.floats(0.001, 604_800),
        "account_currency": st.sampled_from(["USD", "EUR", "JPY"]),
        "keep_trades": st.one_of(st.just("all"), st.integers(0, 1_000)),
        "pair_timeout_s": st.floats(0.1, 1e6),
        "worker_memory_mb": st.integers(64, 10**6),
    },
)


@given(settings_given)
def test_settings_restored_from_their_record_are_the_same(flags: dict[str, object]) -> None:
    settings = load_settings(flags)
    restored = restore_settings(settings.record())
    assert restored.record() == settings.record()
    assert restored == settings.model_copy(update={"data": settings.data.absolute(), "results": Path.cwd() / "results"})


def test_record_of_another_version_is_refused_in_one_line() -> None:
    with pytest.raises(UsageError, match="not those of this version: unknown setting 'colour'") as caught:
        restore_settings({"colour": "red"})
    assert "\n" not in str(caught.value)


def test_import_leaves_pydantic_for_those_who_need_it() -> None:
    program = "import config, sys; print({'pydantic', 'annotated_types', 'numpy'} & sys.modules.keys() or 'none')"
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert (found.stdout, found.stderr) == ("none\n", "")


def test_name_that_the_configuration_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'config' has no attribute 'load_setings'"):
        _ = config.load_setings  # type: ignore[attr-defined]

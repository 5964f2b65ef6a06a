"""Settings as the flags that ask for them: what a message offers to be typed again."""

from typing import Final

from config import Settings, flag_of, load_settings

_WITH_FLAG: Final = (
    "pairs", "data", "results", "timeframe", "strategies", "settings_file", "grid", "lots", "commission",
    "slippage_pips", "account_currency", "workers", "cpu_limit", "cooldown_seconds", "nice", "background",
    "keep_trades", "pair_timeout_s", "worker_memory_mb",
)  # fmt: skip


def as_flags(settings: Settings) -> list[str]:
    """Return the flags that ask for the same settings again: those that differ from what holds without flags.

    What has no flag (swap rates, balance, adaptive throttling) is not among them; it comes from the environment and
    from config.py, as it did the first time.
    """
    plain = load_settings()
    flags: list[str] = []
    for name in _WITH_FLAG:
        value = getattr(settings, name)
        if value == getattr(plain, name) and (name != "cooldown_seconds" or not settings.cooldown_explicit):
            continue
        if isinstance(value, bool):
            flags.append(flag_of(name) if value else flag_of(name).replace("--", "--no-"))
        elif value is not None or name == "keep_trades":
            flags += [flag_of(name), _spelled(value)]
    return flags


def _spelled(value: object) -> str:
    if value is None:
        return "all"
    if isinstance(value, tuple):
        return ",".join(value)
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)

"""Settings as the flags that ask for them: what a message offers to be typed again."""

from flows.configuration import SETTINGS
from flows.settings import Settings, load_settings


def as_flags(settings: Settings) -> list[str]:
    """Return the flags that ask for the same settings again: those that differ from what holds without flags.

    What has no flag (swap rates, balance, adaptive throttling) is not among them; it comes from the environment and
    from config.py, as it did the first time.
    """
    plain = load_settings()
    flags: list[str] = []
    for name, setting in SETTINGS.items():
        if (flag := setting.flag) is None or flag.group is None:
            continue  # no flag of the backtest command
        value = getattr(settings, name)
        if value == getattr(plain, name) and (name != "cooldown_seconds" or not settings.cooldown_explicit):
            continue
        if isinstance(value, bool):
            flags.append(flag.name if value else flag.negated)
        elif value is not None or name == "keep_trades":
            flags += [flag.name, _spelled(value)]
    return flags


def _spelled(value: object) -> str:
    if value is None:
        return "all"
    if isinstance(value, tuple):
        return ",".join(value)
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)

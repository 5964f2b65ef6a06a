"""What a field of ``config.py`` says of its setting beside the type: how it is typed, explained, bounded and kept.

All of it is plain: the command line reads it, and pydantic takes longer to import than all of ``--help``.
"""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any, NamedTuple, get_type_hints


class Group(StrEnum):
    """The headings of the flags in the help of ``necrozma backtest``."""

    WHAT = "What is backtested"
    MONEY = "Money"
    MACHINE = "The machine"
    OUTPUT = "Output"


class Flag(NamedTuple):
    """How a command takes a setting.

    Attributes
    ----------
    name, short : str
        As typed; ``short`` may be empty.
    help, metavar : str
        What ``--help`` says, and what stands there for the value; a switch has no value.
    group : Group or None
        Where ``necrozma backtest`` lists the flag; None where only other commands have it.
    """

    name: str
    help: str
    group: Group | None = None
    metavar: str | None = None
    short: str = ""

    @property
    def negated(self) -> str:
        """What turns a switch off."""
        return self.name.replace("--", "--no-", 1)


class Form(NamedTuple):
    """How the form in Prefect's UI explains a setting.

    Attributes
    ----------
    description : str
    examples : list or None
    pattern : str or None
        A regular expression for a text.
    le : float or None
        The most that the form takes, where the setting has no such bound or a wider one.
    """

    description: str
    examples: list[Any] | None = None
    pattern: str | None = None
    le: float | None = None


class Key(NamedTuple):
    """The key of a setting in the dictionaries of ``config.py``, where it is not the setting's name."""

    name: str


class Range:
    """The bounds of a number, which pydantic checks: to it this is a group by the protocol of annotated_types."""

    __is_annotated_types_grouped_metadata__ = True

    def __init__(self, *, ge: float | None = None, gt: float | None = None, le: float | None = None) -> None:
        self.ge = ge
        self.gt = gt
        self.le = le

    def __iter__(self) -> Iterator[object]:
        from annotated_types import Interval  # noqa: PLC0415 -- its import is a tenth of --help

        return iter(Interval(ge=self.ge, gt=self.gt, le=self.le))


class Before:
    """A check ahead of pydantic's own, as its ``BeforeValidator`` is."""

    def __init__(self, check: Callable[[object], object]) -> None:
        self._check = check

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        from pydantic_core import core_schema  # noqa: PLC0415 -- as above

        return core_schema.no_info_before_validator_function(self._check, handler(source))


class Setting(NamedTuple):
    """What a field says, taken apart.

    Attributes
    ----------
    name : str
    kind : type
        As annotated, without what stands beside the types.
    key : str
        In the dictionaries of ``config.py``.
    range : Range or None
    flag : Flag or None
        None where no command takes the setting.
    form : Form or None
        None where the setting is no parameter of the flow.
    """

    name: str
    kind: Any
    key: str
    range: Range | None
    flag: Flag | None
    form: Form | None


def take_apart(*fields: type) -> dict[str, Setting]:
    """Return the fields of classes as settings, by name and in their order."""
    settings: dict[str, Setting] = {}
    for each in fields:
        annotations = get_type_hints(each, include_extras=True)
        for name, kind in get_type_hints(each).items():
            said = {type(one): one for one in getattr(annotations[name], "__metadata__", ())}
            key = said.get(Key, Key(name)).name
            settings[name] = Setting(name, kind, key, said.get(Range), said.get(Flag), said.get(Form))
    return settings

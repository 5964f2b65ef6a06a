"""What surrounds the processor: temperature, battery, pressure."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

from necrozma_core.throttle.sensors.capacity import PROC, SYS
from necrozma_core.throttle.sensors.readings import Unavailable

_OF_THE_CPU: Final = ("coretemp", "k10temp", "zenpower", "cpu", "x86_pkg_temp", "soc", "acpitz")
"""Beginnings of the names of sensors that sit at the processor; others may be a disk's or a radio's."""
_PLAUSIBLE_C: Final = (1.0, 150.0)
"""A reading outside is none: a sensor that is not connected reads 0, -128 or 255."""


def hottest_c(sysfs: Path = SYS) -> float:
    """Return the temperature of the processor in degrees Celsius, the hottest where there are many sensors.

    Raises
    ------
    Unavailable
        Where there is no sensor: in most virtual machines, and on macOS and Windows.
    """
    values = list(_kernel_temperatures(sysfs)) if sysfs != SYS or sys.platform.startswith("linux") else _others_c()
    least, most = _PLAUSIBLE_C
    # A sensor that is not connected reads 0, -128 or 255.
    if plausible := [value for value in values if least <= value <= most]:
        return max(plausible)
    raise Unavailable("no sensor")


def battery_percent(sysfs: Path = SYS) -> float:
    """Return what is left in the battery, in percent; the least where there are several.

    Raises
    ------
    Unavailable
        Where there is none.
    """
    if sysfs == SYS and not sys.platform.startswith("linux"):
        battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
        left = [] if battery is None else [float(battery.percent)]
    else:
        left = [
            value
            for supply in (sysfs / "class" / "power_supply").glob("*")
            # A mouse has a battery too; its scope is "Device".
            if _text(supply / "type") == "Battery" and _text(supply / "scope") != "Device"
            for value in _number(supply / "capacity")
        ]
    if not left:
        raise Unavailable("no battery")
    return min(left)


def cpu_pressure(proc: Path = PROC) -> float:
    """Return the share of the last ten seconds in which some process waited for a processor, in percent.

    Raises
    ------
    Unavailable
        Where the kernel does not measure it.
    """
    try:
        some = (proc / "pressure" / "cpu").read_text(encoding="utf-8").splitlines()[0]
        return float(dict(field.split("=") for field in some.split()[1:])["avg10"])
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise Unavailable("the kernel does not measure it") from error


def _kernel_temperatures(sysfs: Path) -> Iterator[float]:
    found = [(_text(zone / "type"), zone / "temp") for zone in (sysfs / "class" / "thermal").glob("thermal_zone*")]
    for chip in (sysfs / "class" / "hwmon").glob("hwmon*"):
        found += [(_text(chip / "name"), file) for file in chip.glob("temp*_input")]
    of_the_cpu = [file for name, file in found if name.lower().startswith(_OF_THE_CPU)]
    for file in of_the_cpu or [file for _, file in found]:
        yield from (value / 1000 for value in _number(file))


def _others_c() -> list[float]:
    read = getattr(psutil, "sensors_temperatures", None)
    return [entry.current for entries in read().values() for entry in entries] if read else []


def _text(path: Path) -> str:
    with suppress(OSError, ValueError):
        return path.read_text(encoding="utf-8").strip()
    return ""


def _number(path: Path) -> Iterator[float]:
    """Yield the file's number, or nothing: sensors come and go, and some refuse to be read."""
    with suppress(ValueError):
        yield float(_text(path))

"""What this machine has, what every sensor reads, and whether data, results and Prefect are in order."""

import math
import platform
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import Any, Final, NamedTuple

from rich.table import Table
from rich.text import Text

from flows.folders import cache_folder, history_folder, server_folder
from flows.server.address import configured_api_url
from flows.server.history_file import find_fault
from flows.server.standing import find_standing
from flows.settings import Settings, load_host_settings, load_settings
from flows.terminal.tables import open_console
from necrozma_core.errors import ExitCode, NecrozmaError, StorageError
from necrozma_core.storage.bars.store import BarStore
from necrozma_core.storage.disk.network import network_file_system
from necrozma_core.storage.disk.publish import probe_writable
from necrozma_core.storage.runs.listing import list_runs
from necrozma_core.storage.ticks.store import TickStore, no_ticks_error
from necrozma_core.throttle.decisions import count_workers
from necrozma_core.throttle.sensors.capacity import Bound, Capacity
from necrozma_core.throttle.sensors.machine import MachineSensors
from necrozma_core.throttle.sensors.readings import Reading, Readings

_WATCHED_S: Final = 1.0
_ANSWER_S: Final = 3.0


class Health(StrEnum):
    """How serious a finding is."""

    FINE = "ok"
    NOTE = "--"
    BAD = "!!"


class Finding(NamedTuple):
    """One line of what was found."""

    health: Health
    subject: str
    text: str
    code: ExitCode = ExitCode.OK


def examine(flags: Mapping[str, Any]) -> int:
    """Print all findings, and return the exit code of the worst one."""
    settings = load_settings(flags)
    sensors = MachineSensors(worker_pids=lambda: ())
    sensors.read()  # the first look at a counter is no reading
    time.sleep(_WATCHED_S)
    readings = sensors.read()
    assert sensors.capacity is not None
    findings = [
        *look_at_machine(sensors.capacity),
        *look_at_sensors(readings),
        *weigh(settings, sensors.capacity, readings),
        *look_at_folders(settings),
        *look_at_prefect(settings),
    ]
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for finding in findings:
        table.add_row(finding.health.value, finding.subject, Text(finding.text, overflow="fold"))
    open_console().print(table)
    return max((finding.code for finding in findings), default=ExitCode.OK)


def look_at_machine(capacity: Capacity) -> Iterator[Finding]:
    """List the cores, and which of their bounds is the tightest."""
    yield Finding(Health.FINE, "python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield Finding(Health.FINE, "cores", f"{capacity.machine} in the machine")
    cpus = "unavailable (not on this platform)" if capacity.cpus is None else f"{len(capacity.cpus)} may be used"
    yield Finding(Health.FINE, "affinity", cpus)
    quota = "none" if capacity.quota is None else f"{capacity.quota:g} cores, of {capacity.group}"
    yield Finding(Health.FINE, "quota", quota)
    bound = {Bound.MACHINE: "all of the machine", Bound.AFFINITY: "by affinity", Bound.QUOTA: "by the quota"}
    yield Finding(Health.FINE, "capacity", f"{capacity.cores:g} cores, {bound[capacity.bound]}")


def look_at_sensors(readings: Readings) -> Iterator[Finding]:
    """List every sensor's value, or the reason why it has none."""
    processor = {
        "total": readings.total,
        "ours": readings.run_total,
        "others": readings.others,
        "steal": readings.steal,
    }
    for name, reading in processor.items():
        percent = readings.percent(reading)
        text = reading.describe() if percent is None else f"{percent:.1f}% of the capacity"
        yield Finding(_health(reading), f"CPU {name}", text)
    others = {
        "memory": readings.memory_available.describe(" MB available", 0),
        "temperature": readings.temperature.describe(" °C", 0),
        "battery": readings.battery.describe("%", 0),
        "pressure": readings.pressure.describe("% of the last 10 s somebody waited for a core"),
    }
    for name, text in others.items():
        yield Finding(Health.NOTE if text.startswith("unavailable") else Health.FINE, name, text)


def weigh(settings: Settings, capacity: Capacity, readings: Readings) -> Iterator[Finding]:
    """Say what the number of workers and the limit mean on this machine."""
    allowed = settings.cpu_limit / 100 * capacity.cores
    others = readings.others.value or 0.0
    room = allowed - others
    yield Finding(
        Health.FINE if room > 0 else Health.NOTE,
        "limit",
        f"{settings.cpu_limit:g}% is {allowed:.2g} of {capacity.cores:g} cores; others use {others:.2g} now, "
        + (
            f"which leaves {count_workers(room)}" if room > 0 else "which leaves nothing: a run would go on very slowly"
        ),
    )
    cores = math.ceil(capacity.cores)
    many = settings.workers > cores
    advice = f": more than {cores} share the cores and take memory without being faster" if many else ""
    yield Finding(Health.NOTE if many else Health.FINE, "workers", f"{settings.workers}{advice}")


def look_at_folders(settings: Settings) -> Iterator[Finding]:
    """Say whether the folders of ticks, results and kernels can be used."""
    try:
        summaries, bars = TickStore(settings.data).summaries(), BarStore(settings.data).summaries()
        ticks = sum(pair.ticks for pair in summaries)
        found = f"{settings.data.absolute()}: {len(summaries)} pairs, {ticks:,} ticks"
        if bars:
            found += (
                f"; bars of {len({stored.pair for stored in bars})}, {sum(stored.bars for stored in bars):,} in all"
            )
        has_data = bool(summaries or bars)
        text = found if has_data else str(no_ticks_error(settings.data))
        yield Finding(Health.FINE if has_data else Health.NOTE, "data", text)
    except NecrozmaError as error:
        yield Finding(Health.BAD, "data", str(error), error.exit_code)
    for subject, folder in (("results", settings.results.absolute()), ("cache", cache_folder())):
        yield _look_at_folder(subject, folder)
    if settings.results.is_dir():
        yield _count_runs(settings.results)


def look_at_prefect(settings: Settings) -> Iterator[Finding]:
    """Say which server a run would use, and whether it answers."""
    try:
        yield Finding(Health.FINE, "Prefect", metadata.version("prefect"))
    except metadata.PackageNotFoundError:
        text = "not installed; `make setup` installs what a run needs"
        yield Finding(Health.BAD, "Prefect", text, ExitCode.USAGE)
        return
    if url := configured_api_url():
        answers = _answers(url)
        text = f"{url} {'answers' if answers else 'does not answer; a run would compute and leave no history there'}"
        yield Finding(
            Health.FINE if answers else Health.BAD, "server", text, ExitCode.OK if answers else ExitCode.USAGE
        )
    else:
        home = settings.prefect_home or history_folder()
        history = "with the history of earlier runs" if home.is_dir() else "made by the first run"
        yield Finding(Health.FINE, "server", f"our own, started with each run; {home}, {history}")
        yield from _look_at_history(home)
    home = load_host_settings().server_home or server_folder()
    if server := find_standing(home):
        answers = server.is_answering()
        text = f"{server.url} {'answers' if answers else f'does not answer, see {server.log_file}'}"
        yield Finding(Health.FINE if answers else Health.BAD, "deployments", text)
        yield from _look_at_history(home)
    else:
        yield Finding(Health.NOTE, "deployments", "no server for them; `necrozma server start` starts one")


def _look_at_history(home: Path) -> Iterator[Finding]:
    if fault := find_fault(home.absolute()):
        yield Finding(Health.BAD, "history", str(fault), fault.exit_code)


def _health(reading: Reading) -> Health:
    return Health.NOTE if reading.value is None else Health.FINE


def _look_at_folder(subject: str, folder: Path) -> Finding:
    if not folder.is_dir():
        return Finding(Health.FINE, subject, f"{folder}: made when it is needed")
    try:
        probe_writable(folder)
    except StorageError as error:
        return Finding(Health.BAD, subject, str(error), error.exit_code)
    if kind := network_file_system(folder):
        return Finding(Health.NOTE, subject, f"{folder}: writable, on {kind}: start no run there from another host")
    return Finding(Health.FINE, subject, f"{folder}: writable")


def _count_runs(results: Path) -> Finding:
    try:
        runs = list_runs(results)
    except StorageError as error:
        return Finding(Health.BAD, "runs", str(error), error.exit_code)
    last = f", the last one {runs[0].run_id} {runs[0].status}" if runs else ""
    return Finding(Health.FINE, "runs", f"{len(runs)}{last}")


def _answers(api_url: str) -> bool:
    if not api_url.startswith(("http://", "https://")):
        return False
    try:
        with urllib.request.urlopen(f"{api_url}/health", timeout=_ANSWER_S) as answer:  # noqa: S310 -- checked above
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError, ValueError):
        return False

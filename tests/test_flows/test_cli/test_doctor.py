"""``necrozma doctor``: every sensor with its value or why it has none, and an exit code that a script can use."""

from pathlib import Path
from typing import Any

import pytest

from flows.cli.doctor import Health, look_at_folders, look_at_machine, look_at_sensors, weigh
from flows.settings import load_settings
from necrozma_core.errors import ExitCode, StorageError
from necrozma_core.feeds.samples.quotes import write_samples
from necrozma_core.throttle.sensors.capacity import Capacity
from necrozma_core.throttle.sensors.readings import Reading, Readings


def cores(value: float) -> Reading:
    return Reading.taken(value, 1.0)


def readings(**known: Reading) -> Readings:
    return Readings(time=1.0, capacity=cores(2), **known)


def test_doctor_on_this_machine_finds_it_in_order(necrozma: Any) -> None:
    result = necrozma("doctor")
    assert (result.exit_code, result.stderr) == (0, "")
    subjects = [line[4:16].strip() for line in result.stdout.splitlines()]
    assert {"cores", "affinity", "quota", "CPU total", "CPU others", "memory", "limit", "data", "Prefect"} <= set(
        subjects
    )
    assert "!!" not in result.stdout


def test_doctor_of_settings_that_cannot_be_refuses_them(necrozma: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NECROZMA_CPU_LIMIT", "150")
    result = necrozma("doctor")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: NECROZMA_CPU_LIMIT: ")


def test_machine_under_a_quota_says_what_bounds_it() -> None:
    capacity = Capacity(0.5, 4, frozenset({0, 1}), 0.5, Path("/sys/fs/cgroup/job"))
    text = "\n".join(finding.text for finding in look_at_machine(capacity))
    assert "4 in the machine" in text
    assert "2 may be used" in text
    assert "0.5 cores, of /sys/fs/cgroup/job" in text
    assert "0.5 cores, by the quota" in text


def test_sensor_that_is_missing_says_why() -> None:
    found = {finding.subject: finding for finding in look_at_sensors(readings(total=cores(1), run_total=cores(0.5)))}
    assert found["CPU others"].text == "25.0% of the capacity"
    assert found["CPU steal"].health is Health.NOTE
    assert found["temperature"].text == "unavailable (not read yet)"
    assert found["temperature"].health is Health.NOTE


@pytest.mark.parametrize(
    ("others", "health", "text"),
    [
        (0.0, Health.FINE, "80% is 1.6 of 2 cores; others use 0 now, which leaves 1.6 workers"),
        (2.0, Health.NOTE, "others use 2 now, which leaves nothing: a run would go on very slowly"),
    ],
)
def test_limit_is_weighed_against_what_others_use(others: float, health: Health, text: str) -> None:
    limit = next(iter(weigh(load_settings(), Capacity(2, 2), readings(total=cores(others), run_total=cores(0)))))
    assert limit.health is health
    assert text in limit.text


def test_more_workers_than_cores_are_noted() -> None:
    _, workers = weigh(load_settings({"workers": 8}), Capacity(2, 2), readings())
    assert workers.health is Health.NOTE
    assert workers.text.startswith("8: more than 2 share the cores")


def test_folders_in_order_are_described() -> None:
    write_samples(Path("data"), 1, 100, 1)
    Path("results").mkdir()
    found = {finding.subject: finding for finding in look_at_folders(load_settings())}
    assert found["data"].text == f"{Path.cwd() / 'data'}: 1 pairs, 100 ticks"
    assert found["results"].text == f"{Path.cwd() / 'results'}: writable"
    assert found["runs"].text == "0"
    assert all(finding.code is ExitCode.OK for finding in found.values())


def test_doctor_of_a_disk_that_cannot_be_written_ends_with_74(necrozma: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: Path) -> None:
        raise StorageError(f"{folder}: cannot write: No space left on device")

    Path("results").mkdir()
    monkeypatch.setattr("flows.cli.doctor.probe_writable", refuse)
    result = necrozma("doctor")
    assert result.exit_code == 74
    assert "!!  results" in result.stdout
    assert "No space left on device" in result.stdout


def test_doctor_of_damaged_data_ends_with_its_exit_code(necrozma: Any) -> None:
    write_samples(Path("data"), 1, 100, 1)
    manifest = next(Path("data").glob("*/manifest.json"))
    manifest.write_text(manifest.read_text().replace("100", "101"))
    result = necrozma("doctor")
    assert result.exit_code == 74
    assert "!!  data" in result.stdout


def test_doctor_without_prefect_says_how_to_get_it(necrozma: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import metadata

    real = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: real("no-such-package") if name == "prefect" else real(name))
    result = necrozma("doctor")
    assert result.exit_code == 2
    assert "make setup" in result.stdout


def test_doctor_of_a_server_that_does_not_answer_says_so(necrozma: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    result = necrozma("doctor")
    assert result.exit_code == 2
    assert "does not answer" in result.stdout


def test_doctor_of_a_damaged_history_says_how_to_set_it_aside(necrozma: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NECROZMA_PREFECT_HOME", "history")
    Path("history").mkdir()
    Path("history/prefect.db").write_bytes(b"not a database" * 1_000)
    result = necrozma("doctor")
    assert result.exit_code == 74
    assert "!!  history" in result.stdout
    assert "is no SQLite database" in result.stdout

"""The governor's record: readings as they were, null where there was none."""

from necrozma_core.storage.results.schemas import GOVERNOR_SCHEMA
from necrozma_core.sweep.governor_log import governor_table
from necrozma_core.throttle.control import Look
from necrozma_core.throttle.decisions import Decision, Reason
from necrozma_core.throttle.sensors.readings import Reading, Readings


def test_record_of_no_looks_is_an_empty_table() -> None:
    assert governor_table([]).schema == GOVERNOR_SCHEMA


def test_record_holds_readings_as_they_were_and_null_where_there_was_none() -> None:
    def cores(value: float) -> Reading:
        return Reading.taken(value, 5.0)

    readings = Readings(time=5.0, capacity=cores(2.0), total=cores(1.5), workers=cores(0.9), busy_workers=1.75)
    (row,) = governor_table([Look(1.5, readings, Decision(1.6, Reason.OWN, "said", resting=True))]).to_pylist()
    assert row["time"].timestamp() == 1.5
    assert (row["capacity"], row["total"], row["workers"], row["busy_workers"]) == (2.0, 1.5, 0.9, 1.75)
    assert row["ours"] is row["steal"] is row["temperature_c"] is row["memory_available_mb"] is None
    assert (row["allowance"], row["resting"], row["reason"], row["message"]) == (1.6, True, "own processes", "said")

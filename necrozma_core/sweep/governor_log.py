"""What the governor of a run did, as the table that stays with the run."""

from collections.abc import Sequence

import pyarrow as pa

from necrozma_core.storage.disk.columns import column_of
from necrozma_core.storage.results.schemas import GOVERNOR_SCHEMA
from necrozma_core.throttle.control import Look


def governor_table(looks: Sequence[Look]) -> pa.Table:
    """Lay out looks at the machine as GOVERNOR_SCHEMA asks.

    Parameters
    ----------
    looks : sequence of Look
        As `Controller.take_records` returns them; possibly none.

    Returns
    -------
    pyarrow.Table
        One row each, in their order. What a sensor did not say is null.
    """
    readings = [look.readings for look in looks]
    decisions = [look.decision for look in looks]
    columns = {
        "time": [round(look.at * 1000) for look in looks],
        **{name: [getattr(each, name).value for each in readings] for name in ("capacity", "total", "steal", "ours")},
        "workers": [each.workers.value for each in readings],
        "memory_available_mb": [each.memory_available.value for each in readings],
        "memory_workers_mb": [each.memory_workers.value for each in readings],
        "temperature_c": [each.temperature.value for each in readings],
        "battery_percent": [each.battery.value for each in readings],
        "pressure_percent": [each.pressure.value for each in readings],
        "busy_workers": [each.busy_workers for each in readings],
        "allowance": [decision.allowance for decision in decisions],
        "resting": [decision.resting for decision in decisions],
        "reason": [decision.reason.value for decision in decisions],
        "message": [decision.message for decision in decisions],
    }
    arrays = [column_of(field.type, columns[field.name]) for field in GOVERNOR_SCHEMA]
    return pa.Table.from_arrays(arrays, schema=GOVERNOR_SCHEMA)

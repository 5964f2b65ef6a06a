"""What every test stands on: deterministic properties, a quiet Prefect, a place for the compiled kernels."""

import os

from hypothesis import HealthCheck, settings

# No deadline: a first call compiles, and a busy machine is not a failure.
settings.register_profile("necrozma", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", parent=settings.get_profile("necrozma"), max_examples=20)
settings.register_profile("thorough", parent=settings.get_profile("necrozma"), max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "necrozma"))

os.environ["DO_NOT_TRACK"] = "1"
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"

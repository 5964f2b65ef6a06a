"""The folder that profiled processes have on their path; see `benchmarks.measuring.cpu_profile`."""

"""What profiled processes have on their path; see `benchmarks.cpu_profile`."""

"""What the benchmarks measure with: timers, watched processes, and the ticks that everything is measured on."""

"""The governor measured: on the machine itself, in the simulator, and what its gate costs."""

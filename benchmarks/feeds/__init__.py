"""Files coming in, and what bars of them flatter."""

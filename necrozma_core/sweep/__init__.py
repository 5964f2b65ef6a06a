"""Many pairs: what runs a sweep."""

"""In the place of pandas, which pyarrow loads where it finds it: that takes longer than a whole run of toy pairs."""

raise ImportError("left out, to be quick")

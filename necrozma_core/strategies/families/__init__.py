"""The built-in families of strategies, one a file, each with the source of its formula."""

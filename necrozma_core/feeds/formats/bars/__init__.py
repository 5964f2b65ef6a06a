"""The formats that bars come in, one a file; ``recognition`` tells which one a text has, or that it is no bars."""

"""From a file of whatever make to rows of cells, and from rows to records."""

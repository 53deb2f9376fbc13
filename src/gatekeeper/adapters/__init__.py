"""Outside systems, one a file, imported where they are used."""

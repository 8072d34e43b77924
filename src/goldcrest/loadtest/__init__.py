"""Load: what a server bears, and what a given load needs."""

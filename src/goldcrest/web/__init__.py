"""HTTP: one module per protocol over one table of routes."""

"""Which texts share which row of a grid, and what a grid costs; pure."""

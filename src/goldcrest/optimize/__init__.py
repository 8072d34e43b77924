"""Which precision: each is tried on this machine and the user's texts, and what loses too much is refused."""

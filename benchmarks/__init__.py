"""Benchmarks: Goldcrest beside the servers a user would otherwise run."""

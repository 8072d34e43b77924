"""Comparison: which model, in which precision, suits a task, a machine and a way of working."""

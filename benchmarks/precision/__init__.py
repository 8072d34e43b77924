"""INT8 and its rivals: how much faster on which processor, and what quality they cost."""

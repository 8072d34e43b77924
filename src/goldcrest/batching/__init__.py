"""Jobs that wait, and the slots that run them."""

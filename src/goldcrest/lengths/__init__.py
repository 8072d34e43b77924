"""How long texts are in tokens, and which limit on their length is worth its cost."""

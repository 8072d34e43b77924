"""From an engine's arrays to answers, and from answers to what a caller sees; pure."""

"""One version of a model: opened from an artifact, asked for answers, closed."""

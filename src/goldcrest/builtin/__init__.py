"""The artifacts that ship with the package."""

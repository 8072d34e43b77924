"""The tasks of Hugging Face's clients, at the root and at a path per model or task."""

from goldcrest.web.hf.routes import ENDPOINTS

__all__ = ["ENDPOINTS"]

"""The protocol of Text Embeddings Inference, so that its clients work unchanged."""

from goldcrest.web.tei.routes import ENDPOINTS

__all__ = ["ENDPOINTS"]

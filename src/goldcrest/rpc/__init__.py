"""gRPC: the Open Inference Protocol v2, and the health of the server."""

"""What a request passes through inside the server."""

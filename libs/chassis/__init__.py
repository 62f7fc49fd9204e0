"""The runtime: what happens to any message. It knows no business word."""

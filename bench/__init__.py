"""How fast it is: flows per second, latency and memory, beside the same journey written the usual way."""

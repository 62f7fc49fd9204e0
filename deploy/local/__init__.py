"""Real servers and the four services on one machine: no root, no Docker, nothing installed beforehand."""

"""The whole journey on real servers: requests become assets in people's hands, and the laws hold."""

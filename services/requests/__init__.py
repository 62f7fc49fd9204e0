"""Requests: what people ask for, who approves it, and the workflow that brings it to them."""

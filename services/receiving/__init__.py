"""Receiving: what is expected at the dock, and what was taken there."""

"""Runs as directories: made, queued, launched, forgotten."""

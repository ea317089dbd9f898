"""What a run prints; all of it comes from the stream of engine events."""

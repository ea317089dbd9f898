"""What a run shows: everything here is made from the one stream of engine events."""

"""Room words to be written by its builder."""

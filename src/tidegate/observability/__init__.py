"""What predictions tell, after they were answered."""

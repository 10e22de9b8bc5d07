"""What everything is said in and decided by: words, statistics, decisions, the file. No I/O, no clock, no chance."""

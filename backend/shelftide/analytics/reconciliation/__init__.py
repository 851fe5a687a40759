"""What others say against what is stored: every gap has a cause, or is an open question."""

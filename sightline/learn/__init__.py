"""Training: one loop for all tasks. Imports torch."""

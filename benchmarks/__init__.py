"""What the figures in docs/ are measured with; each module prints a table when it is run."""

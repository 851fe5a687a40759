"""The demo: simulated platforms, real everything else."""

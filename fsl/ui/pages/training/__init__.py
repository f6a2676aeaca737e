"""The Train page: a form for training runs, and the runs as they learn."""

"""Training: the engine (an iterator of events), augmentation, recipes and run folders."""

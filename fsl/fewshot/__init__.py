"""Few-shot learning with a trained twin: support sets, classification, episodes, evaluation, calibration."""

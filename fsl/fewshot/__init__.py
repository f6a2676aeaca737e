"""What one does with a trained twin: support sets, classification, episodes, evaluation, calibration."""

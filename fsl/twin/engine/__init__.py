"""Frozen networks on the processor, computed by ONNX Runtime."""

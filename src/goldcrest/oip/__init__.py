"""The Open Inference Protocol v2, whatever carries it: tensors in, tensors out."""

"""Quantization: weights to integers and scales, and back."""

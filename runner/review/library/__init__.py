"""What calls into libraries do to labels: files, tensors, prices, gradients, steps, tables, settings."""

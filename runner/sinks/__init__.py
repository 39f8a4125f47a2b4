"""Where people already look: TensorBoard, Weights & Biases, MLflow, webhooks; each in a process of its own."""

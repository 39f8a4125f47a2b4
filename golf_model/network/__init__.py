"""The network: tokens in, losses out."""

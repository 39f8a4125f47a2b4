"""Corpora, tokenizers and token shards: making them, fetching them, checking them, measuring them."""

"""Judgement: evidence in, verdict out."""

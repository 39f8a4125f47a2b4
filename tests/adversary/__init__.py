"""Attacks on whatever reads what others wrote: small ones by hand, and files mutated at random, thousands of them."""

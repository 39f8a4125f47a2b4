"""Comparisons: does A beat B? Pure statistics, and the policies that decide."""

"""Locks, and the environments that are made from them."""

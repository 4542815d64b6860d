"""Proofs of the bounds: derivations, one module per kind of path.

What belongs here: derivations. What does not: the statements as data (`bounds`).
"""

"""The smoothest dispensable taper: what a prescriber may choose from, and which schedule is provably the most even one.

A proposal, never an order: caps, effect scale and jump-off come from the prescriber's policy, and each step of a plan made
from an answer still waits for a physician's confirmation. All arithmetic is exact: doses are whole micrograms of a
thousandth (10⁻⁶ mg), effects whole multiples of 10⁻¹², and no float is used.
"""

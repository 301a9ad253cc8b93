"""The published contracts: what partners and clients may rely on, generated from the code and checked in CI."""

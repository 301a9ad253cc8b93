"""Proof that the record is whole: a chain of hashes over every lane, signed checkpoints, an independent fold of what is shown."""

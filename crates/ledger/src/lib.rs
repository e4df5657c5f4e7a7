//! Records, chains, the Merkle tree, seals, checkpoints, proofs and their verification, byte for byte.

//! Stream to ledger to store: one pure fold, one commit per batch, seals and signed checkpoints.

//! The ledger on disk: leaves, lookups, frontiers and view rows in sled, one atomic commit per batch.

//! The read side: timelines, cases, balances, and verification of a stored ledger.

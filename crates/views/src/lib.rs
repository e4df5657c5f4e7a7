//! Timelines, cases and licence balances: folds over events.

//! Events as bytes: CloudEvents envelopes, frozen versions, control messages, commands, observation files.

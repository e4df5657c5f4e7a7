//! JetStream: streams, guarded publishing, group commit, replay and the managed nats-server.

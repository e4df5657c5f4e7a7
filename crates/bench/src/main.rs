//! Measures portbook against the limits of the machine it runs on.

fn main() {}

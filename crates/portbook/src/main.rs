//! The portbook command.
fn main() {}

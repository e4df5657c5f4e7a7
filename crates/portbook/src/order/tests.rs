//! Every verb: flags, files, answers.

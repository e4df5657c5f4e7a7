//! Loads a case, decides a command, appends its events; the four command services and their endpoints.

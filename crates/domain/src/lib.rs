//! What a case is: events, commands, the rules that accept or refuse them, policies and working days.

//! What a program in a Henhouse holds.

//! The wire of Henhouse: its schema, its frames, and the two halves of a connection.

//! The schema's types, as prost generates them.
//!
//! `tests/generated.rs` holds the file against the schema.

#![expect(missing_docs, reason = "generated: the schema has the words")]

include!("generated/henhouse.v1.rs");

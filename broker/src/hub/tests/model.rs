//! Random programs against a plain model.

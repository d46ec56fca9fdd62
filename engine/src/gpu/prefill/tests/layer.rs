//! A layer.

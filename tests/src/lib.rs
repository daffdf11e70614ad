//! The stage of the tests.

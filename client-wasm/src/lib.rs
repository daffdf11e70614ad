//! The only door between the page and the keys.

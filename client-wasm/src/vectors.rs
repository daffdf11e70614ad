//! The judge of test vectors as it is compiled for the page; no page is built with it.

use reconnect_core::vectors::judge;
use wasm_bindgen::prelude::wasm_bindgen;

/// What one vector expects and what was found, with a space between; or that it is not a vector.
#[wasm_bindgen]
pub fn judge_vector(file: &[u8]) -> String {
    match judge(file) {
        Ok(verdict) => format!("{} {}", verdict.expect, verdict.found),
        Err(unreadable) => unreadable.to_string(),
    }
}

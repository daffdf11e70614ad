//! Time taken, and tables as they stand in the README.

use std::time::{Duration, Instant};

/// How long `work` takes, with what it gives.
#[expect(clippy::disallowed_methods, reason = "measuring time is what this crate is for")]
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

/// The moment now, for work that cannot be a closure.
#[expect(clippy::disallowed_methods, reason = "measuring time is what this crate is for")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The middle one; half of the rounds were slower.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// So many in so much time.
pub(crate) fn per_second(count: usize, seconds: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a figure of three digits is shown")]
    let count = count as f64;
    count / seconds
}

/// Millions of bytes a second.
pub(crate) fn speed(bytes: u64, time: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a figure of three digits is shown")]
    let bytes = bytes as f64;
    bytes / 1e6 / time.as_secs_f64()
}

/// Prints a table; the first column is text, the others are figures.
#[expect(clippy::print_stdout, reason = "the figures are what the command is for")]
pub(crate) fn print(title: &str, heads: &[&str], rows: &[Vec<String>]) {
    let rules: Vec<_> =
        heads.iter().enumerate().map(|(place, _)| if place == 0 { "---" } else { "--:" }).collect();
    println!("\n### {title}\n\n| {} |\n|{}|", heads.join(" | "), rules.join("|"));
    for row in rows {
        println!("| {} |", row.join(" | "));
    }
}

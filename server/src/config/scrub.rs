//! How the server reads again, by itself, what it stores.

use clap::Args;

/// The settings of the scrub.
#[derive(Args, Clone, Debug)]
pub struct ScrubConfig {
    /// In how many seconds the server reads everything that it stores once, beside its other work, and compares it with
    /// its hashes and signatures; a week when it is not given. `0`: never.
    #[arg(id = "scrub_seconds", long = "scrub-seconds", global = true, env = "RECONNECT_SCRUB_SECONDS", value_name = "RECONNECT_SCRUB_SECONDS", default_value_t = 7 * 24 * 3600,
        value_parser = clap::value_parser!(u64).range(0..=366 * 24 * 3600)
    )]
    pub seconds: u64,
    /// Most bytes a second that it reads for this, though it takes longer then.
    #[arg(id = "scrub_bytes_per_second", long = "scrub-bytes-per-second", global = true, env = "RECONNECT_SCRUB_BYTES_PER_SECOND", value_name = "RECONNECT_SCRUB_BYTES_PER_SECOND", default_value_t = 8 << 20,
        value_parser = clap::value_parser!(u64).range(1 << 16..=1 << 40)
    )]
    pub bytes_per_second: u64,
}

impl Default for ScrubConfig {
    fn default() -> Self {
        Self { seconds: 7 * 24 * 3600, bytes_per_second: 8 << 20 }
    }
}

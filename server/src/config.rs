//! Every setting, read from the environment. A value that does not make sense stops the start.

mod advice;
mod reference;
mod scrub;

use std::{fmt, net::SocketAddr, path::PathBuf, str::FromStr};

use clap::Args;
use reconnect_log::{KeyKind, VerifierKey};
use tracing_subscriber::EnvFilter;

pub use advice::Surroundings;
pub use reference::{Setting, reference, said, settings};
pub use scrub::ScrubConfig;

/// What is logged when nothing else is said.
pub const USUAL_LINES: &str = "info,sqlx=warn";

mod store;

pub use store::{BlobsConfig, BlobsPlace, S3Secret};

/// The server's settings.
#[derive(Args, Clone, Debug)]
pub struct Config {
    /// Address and port to listen on; put a proxy that speaks TLS in front.
    #[arg(
        long,
        global = true,
        env = "RECONNECT_LISTEN",
        value_name = "RECONNECT_LISTEN",
        default_value = "127.0.0.1:8080"
    )]
    pub listen: SocketAddr,
    /// Folder of database, blobs and secrets.
    #[arg(
        long,
        global = true,
        env = "RECONNECT_DATA",
        value_name = "RECONNECT_DATA",
        default_value = "./data"
    )]
    pub data: PathBuf,
    /// Folder on another disk where what is taken in is kept before it is acknowledged, until a backup has it;
    /// a restore makes it again. It holds what a backup holds.
    #[arg(long, global = true, env = "RECONNECT_JOURNAL", value_name = "RECONNECT_JOURNAL")]
    pub journal: Option<PathBuf>,
    /// `sqlite` (a file in the data folder), or a `postgres://` address.
    #[arg(
        long,
        global = true,
        env = "RECONNECT_DATABASE",
        value_name = "RECONNECT_DATABASE",
        default_value = "sqlite",
        hide_env_values = true
    )]
    pub database: DatabaseUrl,
    /// Largest file, in bytes before sealing.
    #[arg(long, global = true, env = "RECONNECT_FILE_LIMIT_BYTES", value_name = "RECONNECT_FILE_LIMIT_BYTES", default_value_t = 104_857_600,
        value_parser = clap::value_parser!(u64).range(16_384..=1 << 37)
    )]
    pub file_limit_bytes: u64,
    /// Largest safe, in sealed bytes.
    #[arg(long, global = true, env = "RECONNECT_ACCOUNT_LIMIT_BYTES", value_name = "RECONNECT_ACCOUNT_LIMIT_BYTES", default_value_t = 2 << 30,
        value_parser = clap::value_parser!(u64).range(65_536..=1 << 50)
    )]
    pub account_limit_bytes: u64,
    /// Uploads are refused when the disk has less than this free.
    #[arg(long, global = true, env = "RECONNECT_RESERVE_BYTES", value_name = "RECONNECT_RESERVE_BYTES", default_value_t = 256 << 20,
        value_parser = clap::value_parser!(u64).range(1 << 20..=1 << 40)
    )]
    pub reserve_bytes: u64,
    /// Connections at one time; above it the one that has waited longest without asking makes place.
    #[arg(long, global = true, env = "RECONNECT_CONNECTIONS", value_name = "RECONNECT_CONNECTIONS", default_value_t = 1024,
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    pub connections: u32,
    /// Requests answered at one time; more are told to come back.
    #[arg(long, global = true, env = "RECONNECT_REQUESTS", value_name = "RECONNECT_REQUESTS", default_value_t = 512,
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    pub requests: u32,
    /// Unlockings, registrations and new safes a second, all people together.
    #[arg(long, global = true, env = "RECONNECT_UNLOCKS_PER_SECOND", value_name = "RECONNECT_UNLOCKS_PER_SECOND", default_value_t = 50,
        value_parser = clap::value_parser!(u32).range(1..=10_000)
    )]
    pub unlocks_per_second: u32,
    /// Address and port of a second listener that gives figures to Prometheus under `/metrics`; none when it is
    /// not given. They name nobody, and are not for everybody all the same: keep it on loopback.
    #[arg(long, global = true, env = "RECONNECT_METRICS", value_name = "RECONNECT_METRICS")]
    pub metrics: Option<SocketAddr>,
    /// What is written to standard error: `off`, `error`, `warn`, `info`, `debug`, or parts of the program by name,
    /// as in `info,reconnect::log=debug`. No line names a person, a safe or an address, at any of them.
    #[arg(long = "log", global = true, env = "RECONNECT_LOG", value_name = "RECONNECT_LOG", default_value = USUAL_LINES,
        value_parser = lines
    )]
    pub lines: String,
    /// Of the blob store.
    #[command(flatten)]
    pub blobs: BlobsConfig,
    /// Of the scrub.
    #[command(flatten)]
    pub scrub: ScrubConfig,
    /// Of the transparency log.
    #[command(flatten)]
    pub log: LogConfig,
}

/// The settings of the transparency log.
#[derive(Args, Clone, Debug)]
pub struct LogConfig {
    /// Name of the log, once and for all; at the first start the address to listen on when it is
    /// not given.
    #[arg(
        long = "log-origin",
        global = true,
        env = "RECONNECT_LOG_ORIGIN",
        value_name = "RECONNECT_LOG_ORIGIN"
    )]
    pub origin: Option<String>,
    /// Verifier keys of the witnesses that may hand in cosignatures, with commas between.
    #[arg(
        long = "log-witnesses",
        global = true,
        env = "RECONNECT_LOG_WITNESSES",
        value_name = "RECONNECT_LOG_WITNESSES",
        value_delimiter = ','
    )]
    pub witnesses: Vec<VerifierKey>,
    /// How many of them it waits for, up to a minute, before a larger checkpoint takes its place.
    #[arg(
        long = "log-required",
        global = true,
        env = "RECONNECT_LOG_REQUIRED",
        value_name = "RECONNECT_LOG_REQUIRED",
        default_value_t = 0
    )]
    pub required: u32,
    /// Between two batches.
    #[arg(long = "log-seconds", global = true, env = "RECONNECT_LOG_SECONDS", value_name = "RECONNECT_LOG_SECONDS", default_value_t = 5,
        value_parser = clap::value_parser!(u64).range(1..=3600)
    )]
    pub seconds: u64,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { origin: None, witnesses: Vec::new(), required: 0, seconds: 5 }
    }
}

/// Where the database is.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file in the data folder.
    Sqlite,
    /// A `PostgreSQL` server; the address may hold a password and is never shown.
    Postgres(String),
    /// Something else, refused by [`Config::check`]: a refusal here would show it.
    Unknown,
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "sqlite",
            Self::Postgres(_) => "postgres://…",
            Self::Unknown => "unknown",
        })
    }
}

impl FromStr for DatabaseUrl {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "sqlite" => Self::Sqlite,
            _ if text.starts_with("postgres://") || text.starts_with("postgresql://") => {
                Self::Postgres(text.to_owned())
            }
            _ => Self::Unknown,
        })
    }
}

/// A filter of lines that can be read.
fn lines(text: &str) -> Result<String, String> {
    match EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("give off, error, warn, info or debug".to_owned()),
    }
}

impl Config {
    /// Backups, restores and the journal are about a folder of content: a bucket is kept, and copied, by its keeper.
    pub(crate) fn check_folder(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            !self.blobs.is_bucket(),
            "RECONNECT_BLOBS is a bucket: this command is for a folder. Let PostgreSQL archive its log, and the keeper of \
             the bucket copy it; a database that is put back follows the bucket's log, and content that no row names is collected"
        );
        Ok(())
    }

    /// What one setting cannot say alone.
    pub fn check(&self) -> Result<(), String> {
        if self.account_limit_bytes < self.file_limit_bytes {
            return Err("RECONNECT_ACCOUNT_LIMIT_BYTES is less than RECONNECT_FILE_LIMIT_BYTES: \
                 the largest file would never fit"
                .to_owned());
        }
        let is_address = match &self.database {
            DatabaseUrl::Sqlite => true,
            DatabaseUrl::Postgres(url) => url.parse::<sqlx::postgres::PgConnectOptions>().is_ok(),
            DatabaseUrl::Unknown => false,
        };
        if !is_address {
            return Err("RECONNECT_DATABASE: give `sqlite` or a postgres:// address".to_owned());
        }
        self.blobs.check(&self.database, &self.log)?;
        let cosign = self.log.witnesses.iter().all(|key| key.kind() == KeyKind::Cosigner);
        if !cosign || u64::from(self.log.required) > self.log.witnesses.len() as u64 {
            return Err("RECONNECT_LOG_WITNESSES: give at least RECONNECT_LOG_REQUIRED verifier \
                 keys of type 4"
                .to_owned());
        }
        if self.data.as_os_str().is_empty() {
            return Err("RECONNECT_DATA is empty".to_owned());
        }
        if self.journal.is_some() && self.blobs.is_bucket() {
            return Err("RECONNECT_JOURNAL is for content in a folder: with a bucket let PostgreSQL keep a \
                 synchronous standby, or archive its log"
                .to_owned());
        }
        if self.journal.as_ref().is_some_and(|it| it.as_os_str().is_empty()) {
            return Err("RECONNECT_JOURNAL is empty: leave it out, or name a folder".to_owned());
        }
        if self.data.exists() && !self.data.is_dir() {
            return Err("RECONNECT_DATA is not a folder".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        config: Config,
    }

    #[test]
    fn a_value_that_makes_no_sense_is_refused_by_the_name_of_its_setting() {
        for (flag, value, named) in [
            ("--listen", "here", "RECONNECT_LISTEN"),
            ("--file-limit-bytes", "12", "RECONNECT_FILE_LIMIT_BYTES"),
            ("--requests", "0", "RECONNECT_REQUESTS"),
        ] {
            let error = Command::try_parse_from(["reconnect", flag, value]).err();
            assert!(error.is_some_and(|error| error.to_string().contains(named)), "{flag}");
        }
    }

    #[test]
    fn the_address_of_a_database_is_never_shown() {
        for text in ["postgres://me:hush@host/db", "mysql://me:hush@host/db"] {
            let command =
                Command::try_parse_from(["reconnect", "--database", text]).expect("parses");
            assert!(!format!("{:?}", command.config).contains("hush"));
            let refused = command.config.check().err().unwrap_or_default();
            assert_eq!(refused.contains("RECONNECT_DATABASE"), text.starts_with("mysql"));
        }
    }

    #[test]
    fn limits_that_contradict_each_other_are_refused() {
        let command = Command::try_parse_from(["reconnect", "--account-limit-bytes", "65536"])
            .expect("parses");
        assert!(command.config.check().is_err());
    }
}

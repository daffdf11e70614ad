//! What is legal and unwise: said when the server starts, and by `reconnect config check`.

use std::{
    env,
    net::SocketAddr,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::{Config, DatabaseUrl, reference::settings};

/// Seconds of a day.
const DAY: u64 = 24 * 3600;
/// Files that the program has open beside its connections.
const OTHER_FILES: u64 = 128;

/// What the advice rests on, beside the settings.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Names of variables in the environment.
    pub variables: Vec<String>,
    /// The kind of file system of the data folder, as the kernel numbers them.
    pub file_system: Option<u64>,
    /// Bytes that are free there.
    pub free_bytes: Option<u64>,
    /// Whose the data folder is, and what others may do there.
    pub folder: Option<(u32, u32)>,
    /// Whether a log was begun there.
    pub has_log: bool,
    /// The account that runs this.
    pub account: u32,
    /// How many files it may open.
    pub open_files: Option<u64>,
}

impl Surroundings {
    /// What is the case here and now.
    pub fn look(config: &Config) -> Self {
        let place = existing(&config.data);
        let held = rustix::fs::statfs(&place).ok();
        let room = rustix::fs::statvfs(&place).ok();
        let folder = config.data.metadata().ok().map(|it| (it.uid(), it.mode() & 0o777));
        Self {
            variables: env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect(),
            // Signed on some systems: the number is what counts, in 32 bits.
            file_system: held.map(|it| it.f_type.cast_unsigned() & 0xffff_ffff),
            free_bytes: room.map(|it| it.f_bavail.saturating_mul(it.f_frsize)),
            folder,
            has_log: config.data.join("log/checkpoint").exists(),
            account: rustix::process::geteuid().as_raw(),
            open_files: rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum,
        }
    }
}

/// The folder, or the nearest above it that is there.
fn existing(folder: &Path) -> PathBuf {
    let above = folder.ancestors().find(|it| it.exists());
    above.map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

impl Config {
    /// What works and should be otherwise, with what to do: a line each.
    pub fn advice(&self, around: &Surroundings) -> Vec<String> {
        let mut said = misspelt(&around.variables);
        said.extend(self.of_listeners());
        said.extend(self.of_folder(around));
        said.extend(self.of_database());
        said.extend(self.of_log(around));
        said.extend(self.of_numbers(around));
        if around.account == 0 {
            said.push(
                "it runs as root: give it an account of its own, which owns RECONNECT_DATA"
                    .to_owned(),
            );
        }
        said
    }

    fn of_listeners(&self) -> Vec<String> {
        let mut said = Vec::new();
        if !self.listen.ip().is_loopback() {
            said.push(format!(
                "RECONNECT_LISTEN is {}: whoever reaches it speaks without TLS, over which no browser opens a safe. \
                 Listen on 127.0.0.1 with a proxy in front, or let a firewall pass the proxy only",
                self.listen
            ));
        }
        if let Some(metrics) = self.metrics {
            if !metrics.ip().is_loopback() {
                said.push(format!(
                    "RECONNECT_METRICS is {metrics}: whoever reaches it reads how busy the service is. Listen on \
                     127.0.0.1, or let a firewall pass who collects them only"
                ));
            }
            if same_port(metrics, self.listen) {
                said.push(
                    "RECONNECT_METRICS and RECONNECT_LISTEN have one port: one of the two cannot listen"
                        .to_owned(),
                );
            }
        }
        let lines = self.lines.to_lowercase();
        if lines.contains("debug") || lines.contains("trace") {
            said.push(format!(
                "RECONNECT_LOG is {}: a line for each request fills the disk; say `info` when the fault is found",
                self.lines
            ));
        }
        said
    }

    fn of_folder(&self, around: &Surroundings) -> Vec<String> {
        let mut said = Vec::new();
        if self.data.is_relative() {
            said.push(format!(
                "RECONNECT_DATA is {}, which is another folder wherever the program is started: give a whole path",
                self.data.display()
            ));
        }
        match around.file_system.and_then(kind) {
            Some(FileSystem::Network(name)) => said.push(format!(
                "RECONNECT_DATA is on {name}, a file system over the network: SQLite's locks and syncs do not hold \
                 there, and what was acknowledged may be lost. Use a local disk"
            )),
            Some(FileSystem::Passing(name)) => said.push(format!(
                "RECONNECT_DATA is on {name}, which is gone with the machine or the container: mount a disk there"
            )),
            None => {}
        }
        if let Some((owner, mode)) = around.folder {
            if mode & 0o077 != 0 {
                said.push(format!(
                    "RECONNECT_DATA may be entered by others of this machine: chmod 700 {}",
                    self.data.display()
                ));
            }
            if owner != around.account && around.account != 0 {
                said.push("RECONNECT_DATA belongs to another account of this machine".to_owned());
            }
        }
        said
    }

    fn of_database(&self) -> Vec<String> {
        let DatabaseUrl::Postgres(url) = &self.database else { return Vec::new() };
        let Ok(options) = url.parse::<PgConnectOptions>() else { return Vec::new() };
        let mut said = Vec::new();
        if !url.contains('@') && !url.contains("user=") {
            said.push(
                "RECONNECT_DATABASE names no user, and under systemd the account's own name is not found: add \
                 ?user=NAME to its address"
                    .to_owned(),
            );
        }
        let host = options.get_host();
        let is_here = options.get_socket().is_some()
            || ["localhost", "127.0.0.1", "::1", "[::1]"].contains(&host)
            || host.starts_with('/');
        let is_known = matches!(options.get_ssl_mode(), PgSslMode::VerifyFull);
        if !is_here && !is_known {
            said.push(
                "RECONNECT_DATABASE is on another machine, and nothing says that it is the right one: add \
                 ?sslmode=verify-full&sslrootcert=FILE to its address"
                    .to_owned(),
            );
        }
        said
    }

    fn of_log(&self, around: &Surroundings) -> Vec<String> {
        let (witnesses, required) = (self.log.witnesses.len() as u64, u64::from(self.log.required));
        let mut said = Vec::new();
        if self.log.origin.is_none() && !around.has_log {
            said.push(format!(
                "RECONNECT_LOG_ORIGIN is not given: the log would be called {} once and for all. Give it the \
                 service's name, such as safe.example",
                self.listen
            ));
        }
        if witnesses > 0 && required == 0 {
            said.push(
                "RECONNECT_LOG_WITNESSES names witnesses, and RECONNECT_LOG_REQUIRED waits for none of them: say how \
                 many, more than half"
                    .to_owned(),
            );
        }
        if required > 0 && required == witnesses && witnesses > 1 {
            said.push(
                "RECONNECT_LOG_REQUIRED waits for every witness: while one is away, each batch waits for a minute"
                    .to_owned(),
            );
        }
        said
    }

    fn of_numbers(&self, around: &Surroundings) -> Vec<String> {
        let mut said = Vec::new();
        match self.scrub.seconds {
            0 => said.push(
                "RECONNECT_SCRUB_SECONDS is 0: nobody notices a disk that forgets until somebody needs the paper. Run \
                 `reconnect verify` each week, or let the server read everything again by itself"
                    .to_owned(),
            ),
            1..DAY => said.push(format!(
                "RECONNECT_SCRUB_SECONDS is {}: it reads everything more than once a day, and wears disks out",
                self.scrub.seconds
            )),
            _ => {}
        }
        if self.requests > self.connections {
            said.push(
                "RECONNECT_REQUESTS is more than RECONNECT_CONNECTIONS: so many requests cannot come".to_owned(),
            );
        }
        let files = 2 * u64::from(self.connections) + OTHER_FILES;
        if around.open_files.is_some_and(|most| most < files) {
            said.push(format!(
                "RECONNECT_CONNECTIONS may need {files} open files, and the system allows {}: raise it (LimitNOFILE)",
                around.open_files.unwrap_or_default()
            ));
        }
        if around.free_bytes.is_some_and(|free| free < self.reserve_bytes) {
            said.push(format!(
                "RECONNECT_RESERVE_BYTES is {}, and less is free on the disk: every upload is refused",
                self.reserve_bytes
            ));
        }
        said
    }
}

fn same_port(one: SocketAddr, other: SocketAddr) -> bool {
    let covers = one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified();
    covers && one.port() == other.port() && one.port() != 0
}

/// Variables that look like settings and are none.
fn misspelt(variables: &[String]) -> Vec<String> {
    let known: Vec<_> = settings().into_iter().map(|it| it.variable).collect();
    let mut said: Vec<_> = variables
        .iter()
        .filter(|name| name.to_uppercase().starts_with("RECONNECT") && !known.contains(name))
        .map(|name| {
            let distance = |it: &&String| strsim::damerau_levenshtein(&name.to_uppercase(), it);
            let near = known.iter().min_by_key(distance).filter(|it| distance(it) <= 4);
            let meant = near.map_or_else(String::new, |it| format!(": {it} was meant?"));
            format!("{name} is in the environment and is no setting{meant}")
        })
        .collect();
    said.sort();
    said
}

/// File systems that a data folder should not be on.
#[derive(Debug, PartialEq, Eq)]
enum FileSystem {
    /// Another machine's.
    Network(&'static str),
    /// One that does not stay.
    Passing(&'static str),
}

/// By the numbers of `linux/magic.h` and of the file systems' own headers.
fn kind(number: u64) -> Option<FileSystem> {
    use FileSystem::{Network, Passing};
    Some(match number {
        0x6969 => Network("NFS"),
        0x517b => Network("SMB"),
        0xff53_4d42 => Network("CIFS"),
        0xfe53_4d42 => Network("SMB 2"),
        0x0102_1997 => Network("9P"),
        0x00c3_6400 => Network("Ceph"),
        0x5346_414f | 0x6b41_4653 => Network("AFS"),
        0x7375_7245 => Network("Coda"),
        0x0bd0_0bd0 => Network("Lustre"),
        0x0102_1994 => Passing("tmpfs"),
        0x8584_58f6 => Passing("ramfs"),
        0x794c_7630 => Passing("overlayfs"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use ed25519_dalek::SigningKey;
    use reconnect_log::{KeyKind, VerifierKey};

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        config: Config,
    }

    fn witness() -> String {
        let key = SigningKey::from_bytes(&[1; 32]).verifying_key().to_bytes();
        VerifierKey::new("witness.example", KeyKind::Cosigner, key).expect("a key").to_string()
    }

    /// A server on its own account and disk, with `more` settings.
    fn config(more: &[&str]) -> Config {
        let usual = ["reconnect", "--log-origin", "safe.example"];
        let data = ["--data", "/var/lib/reconnect"];
        let data = data.iter().filter(|_| !more.contains(&"--data"));
        Command::try_parse_from(usual.iter().chain(data).chain(more)).expect("parses").config
    }

    fn usual() -> Surroundings {
        Surroundings {
            variables: vec!["RECONNECT_DATA".to_owned(), "PATH".to_owned()],
            file_system: Some(0xef53),
            free_bytes: Some(1 << 40),
            folder: Some((100, 0o700)),
            has_log: false,
            account: 100,
            open_files: Some(1 << 20),
        }
    }

    /// That this is said once, and nothing else.
    fn check(named: &str, more: &[&str], change: impl FnOnce(&mut Surroundings)) {
        let mut around = usual();
        change(&mut around);
        let said = config(more).advice(&around);
        assert!(said.len() == 1 && said[0].contains(named), "{named}: {said:?}");
    }

    #[test]
    fn what_is_as_it_should_be_needs_no_advice() {
        assert_eq!(config(&[]).advice(&usual()), Vec::<String>::new());
        assert_eq!(config(&["--metrics", "127.0.0.1:9000"]).advice(&usual()), Vec::<String>::new());
    }

    #[test]
    fn what_is_legal_and_unwise_is_said_by_the_name_of_its_setting() {
        check("RECONNECT_LISTEN is 0.0.0.0:80", &["--listen", "0.0.0.0:80"], |_| ());
        check("RECONNECT_METRICS is [::]:9000", &["--metrics", "[::]:9000"], |_| ());
        check("one port", &["--metrics", "127.0.0.1:8080"], |_| ());
        check("RECONNECT_LOG is debug", &["--log", "debug"], |_| ());
        check("RECONNECT_REQUESTS", &["--requests", "2000"], |_| ());
        check("RECONNECT_SCRUB_SECONDS is 0", &["--scrub-seconds", "0"], |_| ());
        check("RECONNECT_SCRUB_SECONDS is 60", &["--scrub-seconds", "60"], |_| ());
        check("whole path", &["--data", "data"], |_| ());
        check("NFS", &[], |around| around.file_system = Some(0x6969));
        check("CIFS", &[], |around| around.file_system = Some(0xff53_4d42));
        check("mount a disk", &[], |around| around.file_system = Some(0x794c_7630));
        check("chmod 700", &[], |around| around.folder = Some((100, 0o750)));
        check("another account", &[], |around| around.folder = Some((7, 0o700)));
        check("root", &[], |around| around.account = 0);
        check("LimitNOFILE", &[], |around| around.open_files = Some(1024));
        check("RECONNECT_RESERVE_BYTES", &[], |around| around.free_bytes = Some(5));
    }

    #[test]
    fn a_log_without_a_name_of_its_own_is_noticed_before_it_has_another() {
        let nameless = Command::try_parse_from(["reconnect", "--data", "/var/lib/reconnect"]);
        let config = nameless.expect("parses").config;
        let said = config.advice(&usual());
        assert!(said.len() == 1 && said[0].contains("RECONNECT_LOG_ORIGIN"), "{said:?}");
        assert!(config.advice(&Surroundings { has_log: true, ..usual() }).is_empty());
    }

    #[test]
    fn witnesses_that_are_not_waited_for_or_all_waited_for_are_noticed() {
        check("waits for none", &["--log-witnesses", &witness()], |_| ());
        let two = format!("{},{}", witness(), witness());
        check("every witness", &["--log-witnesses", &two, "--log-required", "2"], |_| ());
    }

    #[test]
    fn a_database_elsewhere_has_to_say_who_it_is() {
        for (address, noticed) in [
            ("postgres://me:secret@db.example/safe", true),
            ("postgres://me:secret@db.example/safe?sslmode=require", true),
            ("postgres://me:secret@db.example/safe?sslmode=verify-full", false),
            ("postgres://me:secret@localhost/safe", false),
            ("postgres://me@%2Frun%2Fpostgresql/safe", false),
            ("postgres:///safe?host=/run/postgresql&user=me", false),
            ("postgres:///safe?host=/run/postgresql", true),
        ] {
            let said = config(&["--database", address]).advice(&usual());
            assert_eq!(!said.is_empty(), noticed, "{address}: {said:?}");
            assert!(!said.concat().contains("secret"));
        }
    }

    #[test]
    fn a_misspelt_setting_is_noticed_and_the_right_one_named() {
        check("RECONNECT_REQUESTS was meant", &[], |around| {
            around.variables.push("RECONNECT_REQESTS".to_owned());
        });
        check("RECONNECT_DATA was meant", &[], |around| {
            around.variables.push("reconnect_data".to_owned());
        });
        check("RECONNECT_COFFEE is in the environment and is no setting", &[], |around| {
            around.variables.push("RECONNECT_COFFEE".to_owned());
        });
    }
}

//! The `reconnect` command.

use std::{
    io::{IsTerminal as _, Write as _},
    path::PathBuf,
    process::ExitCode,
    time::UNIX_EPOCH,
};

use anyhow::Context as _;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use reconnect::{
    App, Clock, Config, Sources, config,
    operator::Operator,
    panicked,
    serve::{serve, show_metrics},
};
use tracing_subscriber::EnvFilter;

/// An online safe whose server stores only ciphertext and envelopes.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(flatten)]
    config: Config,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the server.
    Serve,
    /// Works on structures, beside a running server.
    #[command(subcommand)]
    Operator(OperatorCommand),
    /// Reads everything that is stored, beside a running server, and says what is damaged.
    Verify,
    /// Takes a backup beside a running server: database, blobs, secrets, log.
    Backup {
        /// Folder of backups; what an earlier one has is not copied again.
        folder: PathBuf,
        /// Older backups there are removed, and with them what was erased since.
        #[arg(long, value_name = "DAYS", default_value_t = 35)]
        keep_days: u64,
    },
    /// Restores a backup into an empty data folder and an empty database, and reads everything again.
    Restore {
        /// A backup, or a folder of backups, of which the newest is taken.
        backup: PathBuf,
        /// The newest copy of the log: the folder `log` of the data folder, or of another disk. Only where there is none, the
        /// backup's own: whoever saw a longer log would find a fork.
        #[arg(long, value_name = "FOLDER")]
        newest_log: PathBuf,
        /// Folders of journals: what was taken in since the backup is made again.
        #[arg(long, value_name = "FOLDER")]
        from_journal: Vec<PathBuf>,
        /// Checkpoints that an auditor or a witness saw: a shorter log is refused.
        #[arg(long, value_name = "FILE")]
        seen: Vec<PathBuf>,
    },
    /// Moves every row of the SQLite file of the data folder to an empty PostgreSQL database, which
    /// `RECONNECT_DATABASE` names. The server must not run.
    Migrate,
    /// Works on the settings.
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Subcommand)]
enum OperatorCommand {
    /// Lists all structures with their codes.
    List,
    /// Accepts a structure: owners can find it and give it papers.
    Accept {
        /// Its id, or its code of 20 letters.
        #[arg(allow_hyphen_values = true)]
        id: String,
    },
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Says which settings would be used, or which one is wrong.
    Check,
}

#[tokio::main]
pub(crate) async fn main() -> ExitCode {
    let matches = Arguments::command().get_matches();
    let arguments = match Arguments::from_arg_matches(&matches) {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    start_log(&arguments.config);
    panicked::keep_to_its_place();
    match run(arguments, &matches).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments, matches: &ArgMatches) -> anyhow::Result<()> {
    // What is written here is for this account alone.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    // No core dump and no debugger of the same account: what passes through memory stays there.
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        .context("the process could not be made undumpable")?;
    let clock = Clock::System(system_now);
    match arguments.command {
        Command::Serve => run_server(arguments.config, clock).await,
        Command::Operator(command) => run_operator(command, arguments.config, clock).await,
        Command::Verify => {
            let found = reconnect::verify(arguments.config).await?;
            say(&found.to_string())?;
            anyhow::ensure!(found.damage.is_empty(), "something is damaged: see SECURITY.md");
            Ok(())
        }
        Command::Backup { folder, keep_days } => {
            let taken = reconnect::backup(arguments.config, &clock, &folder, keep_days).await?;
            say(&taken.to_string())?;
            anyhow::ensure!(taken.damage.is_empty(), "something is damaged: see SECURITY.md");
            Ok(())
        }
        Command::Restore { backup, newest_log: log, from_journal: journals, seen } => {
            let sources = Sources { backup, log, journals, seen };
            let restored = reconnect::restore(arguments.config, &sources).await?;
            say(&restored.to_string())?;
            let is_whole = restored.found.damage.is_empty();
            anyhow::ensure!(is_whole, "restored, but for what is damaged: the server can start");
            Ok(())
        }
        Command::Migrate => {
            let rows = reconnect::migrate(arguments.config).await?;
            say(&format!(
                "{rows} rows are in PostgreSQL: start the server with this RECONNECT_DATABASE"
            ))
        }
        Command::Config(ConfigCommand::Check) => {
            let (told, right) = config::said(&arguments.config, matches);
            say(&told)?;
            anyhow::ensure!(right, "a setting is wrong");
            Ok(())
        }
    }
}

async fn run_server(config: Config, clock: Clock) -> anyhow::Result<()> {
    // As many files and connections as the system allows; the settings say how many are used.
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let most = rustix::process::Rlimit { current: files.maximum, ..files };
    if rustix::process::setrlimit(rustix::process::Resource::Nofile, most).is_err() {
        tracing::warn!("the limit on open files could not be raised");
    }
    for advice in config.advice(&config::Surroundings::look(&config)) {
        tracing::warn!("{advice}");
    }
    // Before the data folder is opened: a port in use is said at once.
    let listener = tokio::net::TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("RECONNECT_LISTEN: cannot listen on {}", config.listen))?;
    let address = listener.local_addr()?;
    let watched = match config.metrics {
        Some(address) => Some(
            tokio::net::TcpListener::bind(address)
                .await
                .with_context(|| format!("RECONNECT_METRICS: cannot listen on {address}"))?,
        ),
        None => None,
    };
    let stop = stop_signal()?;
    let app = App::open(config, clock).await?;
    if let Some(listener) = watched {
        tokio::spawn(show_metrics(listener, app.clone()));
    }
    tracing::info!("listening on http://{address}");
    serve(listener, app, stop).await
}

fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

async fn run_operator(
    command: OperatorCommand,
    config: Config,
    clock: Clock,
) -> anyhow::Result<()> {
    let operator = Operator::open(config, clock).await?;
    let done = match command {
        OperatorCommand::List => operator.list().await.map(|structures| {
            let lines: Vec<_> = structures.iter().map(line).collect();
            lines.join("\n")
        }),
        OperatorCommand::Accept { id } => operator.accept(&id).await.map(|one| line(&one)),
    };
    operator.close().await;
    say(&done?)
}

fn line(structure: &reconnect::operator::Listed) -> String {
    let state = if structure.accepted { "accepted" } else { "waiting " };
    let code = structure.structure_id.code();
    let (id, name, place) = (structure.structure_id, &structure.name, &structure.place);
    format!("{state}  {code}  {id}  {name}, {place}")
}

fn say(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if !text.is_empty() {
        writeln!(out, "{text}")?;
    }
    Ok(out.flush()?)
}

/// Logs as `RECONNECT_LOG` says; what cannot be read has stopped the start before.
fn start_log(config: &Config) {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(&config.lines))
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
}

#[expect(clippy::disallowed_methods, reason = "main is where the system is asked for the time")]
fn system_now() -> u64 {
    std::time::SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

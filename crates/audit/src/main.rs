//! `reconnect-audit`: follows a server's log as an auditor or a witness, and trusts no server.
//!
//! It is built from PROTOCOL.md section 15 and `reconnect-log` alone: neither the server's code nor
//! anything that could name a key of a safe is part of it.

mod evidence;
mod follow;
mod key;
mod page;
mod say;
mod state;
mod wire;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, Subcommand};
use reconnect_log::{KeyKind, VerifierKey};
use zeroize::Zeroizing;

use crate::{
    follow::{Failure, Follower},
    key::WitnessKey,
    page::Looked,
    say::{Event, Say},
    state::State,
    wire::{Address, HandedIn, Server},
};

/// The log misbehaved; evidence was kept.
const MISBEHAVED: u8 = 1;
/// Something else did not work.
const TROUBLE: u8 = 2;
/// What evidence shows rests on the word of whoever kept it.
const ONES_WORD: u8 = 3;
/// The command was not understood (`EX_USAGE`).
const USAGE: u8 = 64;
/// What was given is no evidence (`EX_DATAERR`).
const NO_EVIDENCE: u8 = 65;
/// The longest wait between two rounds.
const WAIT_SECONDS: u64 = 600;
/// Rounds before a log that is always ahead counts as trouble.
const CHASES: u32 = 5;

/// Follows a server's log: recomputes its map, cosigns it, keeps evidence of misbehaviour.
#[derive(Parser)]
#[command(version, about)]
#[command(
    after_help = "Ends with 0 when all is well, 1 when the log misbehaved or the page is another, 2 when something \
    else did not work, 3 when evidence rests on the word of whoever kept it, 64 when the command was \
    not understood, 65 when what was given is no evidence."
)]
struct Arguments {
    /// One JSON object a line, for machines
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Makes a witness's key, and prints the verifier key for the log's operator
    Keygen {
        /// Under which name it cosigns: a host name, without white space and plus
        #[arg(long)]
        name: String,
        /// The file to make, for this account alone
        #[arg(long)]
        out: PathBuf,
    },
    /// Follows a log; with a key, cosigns what it verified
    Follow {
        /// The server: `https://` and its name
        url: Address,
        /// The log's verifier key, from its operator or another auditor
        #[arg(long, value_parser = log_key)]
        log_key: VerifierKey,
        /// The folder that remembers: one log, one witness
        #[arg(long)]
        state: PathBuf,
        /// The witness's key, never used with another state
        #[arg(long)]
        key: Option<PathBuf>,
        /// One round only
        #[arg(long)]
        once: bool,
        /// Seconds between two rounds
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=WAIT_SECONDS))]
        interval: u64,
        /// Leaves and heads to hold at most: about 300 bytes of memory each
        #[arg(long, default_value_t = 20_000_000)]
        limit: u64,
    },
    /// Follows a log for one round, and compares the page that its server gives out, every file in
    /// every form, with the one that the log names
    Page {
        /// The server: `https://` and its name
        url: Address,
        /// The log's verifier key, from its operator or another auditor
        #[arg(long, value_parser = log_key)]
        log_key: VerifierKey,
        /// The folder that remembers
        #[arg(long)]
        state: PathBuf,
        /// Leaves and heads to hold at most: about 300 bytes of memory each
        #[arg(long, default_value_t = 20_000_000)]
        limit: u64,
    },
    /// Checks evidence that somebody kept, without a network
    Check {
        /// A folder in `evidence`, or the file that a client's page saved
        evidence: PathBuf,
        /// The log's verifier key, from somebody else than whoever kept the evidence
        #[arg(long, value_parser = log_key)]
        log_key: VerifierKey,
    },
    /// Says how far a state has come, and what evidence it holds
    Show {
        /// The folder that remembers
        #[arg(long)]
        state: PathBuf,
    },
}

fn log_key(text: &str) -> Result<VerifierKey> {
    let key: VerifierKey = text.parse()?;
    ensure!(key.kind() == KeyKind::Log, "this is a witness's key, not a log's");
    Ok(key)
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nobody is there to be told when even this cannot be written.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    let say = Say { json: arguments.json };
    let ended = match arguments.command {
        Command::Keygen { name, out } => keygen(&name, &out, say),
        Command::Follow { url, log_key, state, key, once, interval, limit } => {
            open(url, log_key, &state, key.as_deref(), limit)
                .and_then(|mut follower| follow(&mut follower, once, interval, say))
        }
        Command::Page { url, log_key, state, limit } => {
            open(url, log_key, &state, None, limit).and_then(|follower| page(follower, say))
        }
        Command::Check { evidence, log_key } => Ok(check(&evidence, &log_key, say)),
        Command::Show { state } => show(&state, say),
    };
    ended.unwrap_or_else(|error| {
        say.event(&Event::Trouble { what: format!("{error:#}"), again_in_seconds: None });
        ExitCode::from(TROUBLE)
    })
}

fn keygen(name: &str, out: &Path, say: Say) -> Result<ExitCode> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut()).context("the system gives no randomness")?;
    let key = WitnessKey::new(name, &seed)?;
    key.write(out)?;
    say.event(&Event::Key { verifier_key: key.verifier().to_string() });
    Ok(ExitCode::SUCCESS)
}

fn open(
    url: Address,
    log: VerifierKey,
    folder: &Path,
    key: Option<&Path>,
    limit: u64,
) -> Result<Follower> {
    let state = State::open(folder, &log)?;
    let key = key.map(|path| {
        let key = WitnessKey::read(path)?;
        key.bind(path, folder).map(|()| key)
    });
    let key = key.transpose()?;
    Ok(Follower { log, server: Server::new(url), state, key, limit })
}

fn page(mut follower: Follower, say: Say) -> Result<ExitCode> {
    let round = follow(&mut follower, true, 1, say)?;
    if round != ExitCode::SUCCESS {
        return Ok(round);
    }
    Ok(match page::look(&follower)? {
        Looked::Same { number, files } => {
            say.event(&Event::Page { number, files });
            ExitCode::SUCCESS
        }
        Looked::Other { what } => {
            say.event(&Event::OtherPage { what });
            ExitCode::from(MISBEHAVED)
        }
    })
}

fn follow(follower: &mut Follower, once: bool, interval: u64, say: Say) -> Result<ExitCode> {
    // A log that misbehaved is not cosigned again because somebody restarts the program.
    if let Some(path) = evidence::list(&follower.state.evidence())?.into_iter().next() {
        say.event(&Event::Known { evidence: path });
        return Ok(ExitCode::from(MISBEHAVED));
    }
    let (mut troubles, mut chases) = (0, 0);
    loop {
        let now = system_now();
        match follower.round(now) {
            Ok(round) => {
                troubles = 0;
                say.event(&Event::of(&round, follower.state.replay.map().count()));
                if round.handed_in == Some(HandedIn::TooLate) && chases < CHASES {
                    chases += 1;
                    continue;
                }
                if once {
                    let late = round.handed_in == Some(HandedIn::TooLate);
                    return Ok(if late { ExitCode::from(TROUBLE) } else { ExitCode::SUCCESS });
                }
                chases = 0;
                thread::sleep(Duration::from_secs(interval));
            }
            Err(Failure::Trouble(error)) => {
                let wait = (interval << troubles.min(10)).min(WAIT_SECONDS);
                let again_in_seconds = (!once).then_some(wait);
                say.event(&Event::Trouble { what: format!("{error:#}"), again_in_seconds });
                if once {
                    return Ok(ExitCode::from(TROUBLE));
                }
                troubles += 1;
                thread::sleep(Duration::from_secs(wait));
            }
            Err(Failure::Misbehaved(found)) => {
                // Until it is kept nothing else is done: a program that ended here would be started again.
                let path = loop {
                    match found.write(&follower.state.evidence(), &follower.log, now) {
                        Ok(path) => break path,
                        Err(error) if once => return Err(error),
                        Err(error) => {
                            let what =
                                format!("the log misbehaved, and that cannot be kept: {error:#}");
                            let again_in_seconds = Some(WAIT_SECONDS);
                            say.event(&Event::Trouble { what, again_in_seconds });
                            thread::sleep(Duration::from_secs(WAIT_SECONDS));
                        }
                    }
                };
                // What is kept is judged as a stranger would.
                let (kind, detail) = evidence::check(&path, &follower.log)?;
                say.event(&Event::misbehaved(kind, &detail, path));
                return Ok(ExitCode::from(MISBEHAVED));
            }
        }
    }
}

fn check(folder: &Path, log: &VerifierKey, say: Say) -> ExitCode {
    match evidence::check(folder, log) {
        Ok((kind, detail)) => {
            say.event(&Event::misbehaved(kind, &detail, folder.to_path_buf()));
            if kind.is_proof() { ExitCode::SUCCESS } else { ExitCode::from(ONES_WORD) }
        }
        Err(error) => {
            say.event(&Event::NoEvidence { why: format!("{error:#}") });
            ExitCode::from(NO_EVIDENCE)
        }
    }
}

fn show(folder: &Path, say: Say) -> Result<ExitCode> {
    let log = state::read_key(folder)?
        .with_context(|| format!("{} remembers no log", folder.display()))?;
    let kept = state::read_checkpoint(folder)?;
    let evidence = evidence::list(&folder.join("evidence"))?;
    say.event(&Event::state(&log, kept.as_ref(), evidence));
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::disallowed_methods, reason = "a program asks the system for the time once, here")]
fn system_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_secs())
}

//! Faults on purpose, in builds for tests only: a process that ends at a named step, and the ways of losing
//! data that the power-cut rig must notice.
//!
//! Without the feature `faults` every function here is empty, and nothing of it is in the build. With it there
//! are debug assertions, or there is no build.

#[cfg(all(feature = "faults", not(debug_assertions)))]
compile_error!("`faults` loses data on purpose: it is for tests and has no place in a release");

/// What a careless server would do, and this one does when `RECONNECT_MUTANT` says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// Commits without waiting for the disk at all.
    SynchronousOff,
    /// Commits without waiting for the write-ahead log.
    SynchronousNormal,
    /// Renames parts whose content is not on the disk.
    NoBlobSync,
    /// Acknowledges uploads whose folder may not be there after a cut.
    NoFolderSync,
    /// Writes the row of a part before the part.
    RowFirst,
    /// Goes on after a failed fsync, and answers as if it had not failed.
    CarryOn,
    /// Starts on a write-ahead log that may have a hole.
    NoCheckpoint,
    /// Acknowledges what the journal may not have after a cut.
    NoJournalSync,
}

#[cfg(not(feature = "faults"))]
mod off {
    use super::Mutant;

    pub(crate) const fn has(_: Mutant) -> bool {
        false
    }

    pub(crate) const fn point(_: &str, _: &str) {}
}

#[cfg(not(feature = "faults"))]
pub(crate) use off::{has, point};

#[cfg(feature = "faults")]
pub(crate) use on::{has, point};

#[cfg(feature = "faults")]
mod on {
    use std::{
        collections::HashSet,
        env, fs,
        io::Write as _,
        path::PathBuf,
        sync::{Mutex, OnceLock, PoisonError},
    };

    use super::Mutant;

    /// Whether this process is to be careless in this way.
    pub(crate) fn has(mutant: Mutant) -> bool {
        static NAME: OnceLock<Option<String>> = OnceLock::new();
        let name = NAME.get_or_init(|| env::var("RECONNECT_MUTANT").ok());
        name.as_ref().is_some_and(|name| *name == format!("{mutant:?}"))
    }

    /// Panics at the step that `RECONNECT_PANIC_AT` names, with a message that quotes somebody.
    fn panic_at(what: &str) {
        if env::var("RECONNECT_PANIC_AT").is_ok_and(|at| at == what) {
            std::panic::panic_any("what somebody sent");
        }
    }

    /// Ends the process at once, as `kill -9` does, the first time that any process comes here which was given
    /// the same file by `RECONNECT_POINTS`; that file lists where others ended.
    pub(crate) fn point(what: &str, when: &str) {
        panic_at(what);
        static PASSED: OnceLock<Option<(PathBuf, Mutex<HashSet<String>>)>> = OnceLock::new();
        let passed = PASSED.get_or_init(|| {
            let file = PathBuf::from(env::var_os("RECONNECT_POINTS")?);
            let known = fs::read_to_string(&file).unwrap_or_default();
            Some((file, Mutex::new(known.lines().map(str::to_owned).collect())))
        });
        let Some((file, passed)) = passed else { return };
        let name = format!("{what} {when}");
        let mut passed = passed.lock().unwrap_or_else(PoisonError::into_inner);
        if !passed.insert(name.clone()) {
            return;
        }
        let noted = fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(file)
            .and_then(|mut file| writeln!(file, "{name}"));
        noted.expect("the list of points can be written");
        let own = rustix::process::getpid();
        rustix::process::kill_process(own, rustix::process::Signal::KILL).expect("it may");
        // Nobody else goes on meanwhile, nor does this.
        loop {
            std::thread::park();
        }
    }
}

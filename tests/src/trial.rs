//! A server that goes through many lives while people write: what was acknowledged must be there in the last.

use std::{fmt, time::Duration};

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use rand_chacha::ChaCha8Rng;
use rand_core::Rng as _;
use reconnect::Config;
use tokio::sync::watch;

use crate::{
    browser::Browser,
    process::{Process, Setup},
    stage::Person,
    writer::{Life, Writer, check_blobs, check_log},
};

/// What was counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Lives that ended by a fault.
    pub lives: usize,
    /// Calls that write and were acknowledged.
    pub acks: usize,
    /// Writes of which nobody knew, and which had happened whole or not at all.
    pub doubts: usize,
    /// Answers that said that the server failed.
    pub refusals: usize,
    /// Papers that were read back at the end, byte for byte.
    pub papers: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lives, acks, doubts, refusals, papers } = self;
        write!(f, "lives={lives} acks={acks} doubts={doubts} refusals={refusals} papers={papers}")
    }
}

/// People, and the server that they write to.
pub struct Trial {
    setup: Setup,
    config: Config,
    browser: fn(&Setup) -> Browser,
    up: watch::Sender<Life>,
    writers: Vec<Writer>,
}

impl Trial {
    /// So many people open safes on a server that runs.
    pub async fn begin(
        (setup, config): (Setup, Config),
        people: usize,
        browser: fn(&Setup) -> Browser,
    ) -> Result<Self> {
        let (up, life) = watch::channel(Life::Up);
        let mut writers = Vec::new();
        for number in 0..people {
            let person = Person::open(browser(&setup), true).await?;
            writers.push(Writer::new(person, number, life.clone()));
        }
        Ok(Self { setup, config, browser, up, writers })
    }

    /// So many lives, each of at most `longest` milliseconds: `end` ends one and begins the next.
    pub async fn live(
        &mut self,
        mut process: Process,
        (lives, longest): (usize, u64),
        rng: &mut ChaCha8Rng,
        mut end: impl AsyncFnMut(Process, &mut ChaCha8Rng) -> Result<Process>,
    ) -> Result<Process> {
        self.up.send_replace(Life::Up);
        let Self { up, writers, .. } = self;
        let ending = async {
            for _ in 0..lives {
                // The instant is the experiment: there is nothing to wait for.
                tokio::time::sleep(Duration::from_millis(20 + rng.next_u64() % longest)).await;
                up.send_replace(Life::Down);
                process = end(process, rng).await?;
                up.send_replace(Life::Up);
            }
            up.send_replace(Life::Over);
            Ok(process)
        };
        let working = try_join_all(writers.iter_mut().map(Writer::work));
        let (process, _) = tokio::try_join!(ending, working)?;
        Ok(process)
    }

    /// Reads everything on other devices, starts once more, and looks at what is stored.
    pub async fn end(self, process: Process, lives: usize) -> Result<Counts> {
        for writer in &self.writers {
            writer.check_elsewhere(&(self.browser)(&self.setup)).await?;
        }
        ensure!(process.stop().await?.success(), "the end was not in order");
        let process = self.setup.start().await?;
        check_blobs(&self.config).await?;
        check_log(&self.setup, &self.config).await?;
        process.kill().await?;
        let sum = |of: fn(&Writer) -> usize| self.writers.iter().map(of).sum();
        Ok(Counts {
            lives,
            acks: sum(Writer::acks),
            doubts: sum(|writer| writer.doubts),
            refusals: sum(|writer| writer.refusals),
            papers: sum(Writer::papers),
        })
    }
}

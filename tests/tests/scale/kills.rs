//! Two programs behind a proxy, of which one or the other is killed while people write.

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};
use reconnect_tests::{
    browser::outside as browser,
    process::{Process, Setup},
    proxy::Proxy,
    stage::Person,
    writer::{Life, Writer},
};
use tokio::{
    sync::watch,
    time::{Duration, sleep},
};

use super::say;

const KILLS: usize = 8;

/// I-1, I-4, I-22: a server is killed while the other one goes on: what was acknowledged is there, byte for byte, and
/// every part has its object.
#[tokio::test]
async fn what_was_acknowledged_survives_kills_of_one_of_two_servers() -> Result<()> {
    let folders = [tempfile::tempdir()?, tempfile::tempdir()?];
    let (setups, config) = Setup::pair([folders[0].path(), folders[1].path()]).await?;
    let [first, second] = Setup::start_pair(&setups).await?;
    let proxy = Proxy::before(setups.iter().map(|setup| setup.address).collect()).await?;
    let (life, seen) = watch::channel(Life::Up);
    let mut writers = Vec::new();
    for number in 0..3 {
        let person = Person::open(browser(proxy.address), true).await?;
        writers.push(Writer::new(person, number, seen.clone()));
    }
    let mut running: [Option<Process>; 2] = [Some(first), Some(second)];
    let killing = async {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for kill in 0..KILLS {
            sleep(Duration::from_millis(300 + rng.next_u64() % 700)).await;
            if let Some(process) = running[kill % 2].take() {
                process.kill().await?;
            }
            sleep(Duration::from_millis(200)).await;
            running[kill % 2] = Some(setups[kill % 2].start().await?);
        }
        life.send_replace(Life::Over);
        Ok(())
    };
    let working = try_join_all(writers.iter_mut().map(Writer::work));
    tokio::try_join!(killing, working)?;
    for writer in &writers {
        writer.check_elsewhere(&browser(proxy.address)).await?;
    }
    for process in running.into_iter().flatten() {
        ensure!(process.stop().await?.success(), "the end was not in order");
    }
    let found = reconnect::verify(config).await?;
    ensure!(found.damage.is_empty(), "{found}");
    let sum = |of: fn(&Writer) -> usize| writers.iter().map(of).sum::<usize>();
    say(&format!(
        "kills={KILLS} acks={} papers={} doubts={}: {found}",
        sum(Writer::acks),
        sum(Writer::papers),
        sum(|writer| writer.doubts),
    ));
    ensure!(sum(Writer::papers) > 5 && sum(|writer| writer.doubts) > 0);
    Ok(())
}

//! A log that does what it should.

use std::{cell::RefCell, rc::Rc, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use reconnect::Clock;
use reconnect_format::{
    api::{Call, LogAnswer, Service},
    id::LogIndex,
};
use reconnect_log::{Lookup, Policy, Question, VerifierKey};
use reconnect_tests::{
    browser::{Browser, Network},
    process::Setup,
    stage::{Person, bytes},
    wire,
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Child,
    time::timeout,
};

use super::{
    auditor::Auditor,
    mallory::{Mallory, Stand, head},
    now,
};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// The first line of a running auditor that says this.
async fn waits_for(child: &mut Child, words: &str) -> Result<()> {
    let output = child.stdout.take().context("no output")?;
    let mut lines = BufReader::new(output).lines();
    let found = async {
        while let Some(line) = lines.next_line().await? {
            if line.contains(words) {
                return Ok(());
            }
        }
        bail!("it ended before it said {words}")
    };
    timeout(PATIENCE, found).await?
}

/// What people look up, believed when both witnesses have cosigned: the size of the log.
async fn look_up(setup: &Setup, policy: &Policy) -> Result<u64> {
    let index = [1; 32];
    let call = Call::read(format!("/v1/log/lookup?index={}", LogIndex(index))).open();
    let answer = wire::outside(setup.address, &call, None).await?;
    let answer: LogAnswer = serde_json::from_slice(&answer.body)?;
    let asked = Question { policy, index, beside: &[], kept: None, now: now() };
    Ok(Lookup::decode(&answer.lookup.0)?.verify(&asked)?.checkpoint().size)
}

#[tokio::test]
async fn witnesses_of_a_real_server_are_counted_in_what_people_look_up() -> Result<()> {
    let one = Auditor::witness("one.example").await?;
    let two = Auditor::witness("two.example").await?;
    let auditor = Auditor::new().await?;
    let keys = vec![one.key()?.clone(), two.key()?.clone()];
    let folder = tempfile::tempdir()?;
    let mut setup = Setup::on(folder.path()).await?;
    setup.variables.extend([
        ("RECONNECT_LOG_ORIGIN", "safe.example".to_owned()),
        ("RECONNECT_LOG_WITNESSES", format!("{},{}", keys[0], keys[1])),
        ("RECONNECT_LOG_REQUIRED", "2".to_owned()),
        ("RECONNECT_LOG_SECONDS", "1".to_owned()),
    ]);
    let process = setup.start().await?;
    let url = format!("http://{}", setup.address);
    let service = wire::outside(setup.address, &Call::read("/v1/service").open(), None).await?;
    let log: VerifierKey = serde_json::from_slice::<Service>(&service.body)?.log.parse()?;
    let policy = Policy::new(log.clone(), keys, 2)?;

    let network = Rc::new(RefCell::new(Network::Outside(setup.address)));
    let mut owner = Person::open(Browser::new(network, Clock::System(now), None), true).await?;
    // One follows until it is killed, and comes now and then afterwards, as the others do.
    let mut following = one.keep_following(&url, &log)?;
    waits_for(&mut following, "\"is_cosigned\":true").await?;
    following.kill().await?;
    ensure!(look_up(&setup, &policy).await.is_err(), "one witness passes for two");
    let mut size = 0;
    for number in 0..3 {
        let grown = async {
            loop {
                for follower in [&one, &two, &auditor] {
                    let ended = follower.follow(&url, &log).await?;
                    ensure!(ended.code == 0, "{ended:?}");
                }
                match look_up(&setup, &policy).await {
                    Ok(found) if found > size => break Ok(found),
                    _ => {}
                }
            }
        };
        size = timeout(PATIENCE, grown).await??;
        owner.add("Photo", &bytes(number, 3000)).await?;
    }
    let shown = auditor.run(&["show", "--state", &auditor.place("state")]).await?;
    ensure!(shown.code == 0 && shown.last()["size"].as_u64() >= Some(3), "{shown:?}");
    ensure!(auditor.evidence()?.is_empty() && one.evidence()?.is_empty());
    process.kill().await
}

/// I-22: auditors follow a real log as it grows, also after a kill.
#[tokio::test]
async fn what_was_read_is_not_read_again_also_after_a_kill() -> Result<()> {
    let mut mallory = Mallory::takes_over().await?;
    let log = mallory.verifier.clone();
    for number in 0..600 {
        mallory.push_entry(number);
    }
    mallory.map_leaf(&[head(7, 7)]);
    let stand = Stand::open(&mallory).await?;
    let witness = Auditor::witness("witness.example").await?;
    let mut following = witness.keep_following(&stand.url, &log)?;
    waits_for(&mut following, "\"is_cosigned\":true").await?;
    following.kill().await?;
    ensure!(stand.asked().iter().any(|path| path == "tile/entries/000"));

    mallory.entry(1, 1);
    mallory.map_leaf(&[head(7, 8)]);
    stand.show(&mallory);
    let ended = witness.follow(&stand.url, &log).await?;
    ensure!(ended.code == 0 && ended.last()["is_cosigned"] == true, "{ended:?}");
    let size = mallory.note().claim().size;
    ensure!(ended.last()["size"] == size, "{ended:?}");
    let asked = stand.asked();
    let leaves: Vec<_> = asked.iter().filter(|path| path.starts_with("tile/entries/")).collect();
    ensure!(*leaves == [&format!("tile/entries/002.p/{}", size - 512)], "{asked:?}");
    ensure!(!asked.contains(&"tile/0/000".to_owned()), "{asked:?}");

    // Nothing new: one question, and a cosignature only when the log lost the fresh one.
    let again = witness.follow(&stand.url, &log).await?;
    ensure!(again.code == 0 && again.last()["is_new"] == false, "{again:?}");
    ensure!(stand.asked() == ["checkpoint"]);
    let mut note = mallory.note();
    let given = stand.handed_in().pop().context("handed in")?;
    note.put(witness.key()?, given.lines()[0].clone());
    stand.instead("checkpoint", 200, note.to_string());
    let count = stand.handed_in().len();
    let fresh = witness.follow(&stand.url, &log).await?;
    ensure!(fresh.code == 0 && stand.handed_in().len() == count, "{fresh:?}");
    Ok(())
}

/// I-22: a witness signs one tree of a size.
#[tokio::test]
async fn a_witness_killed_while_it_hands_in_signs_no_second_tree_of_that_size() -> Result<()> {
    let mut mallory = Mallory::takes_over().await?;
    let log = mallory.verifier.clone();
    let stand = Stand::open(&mallory).await?;
    let witness = Auditor::witness("witness.example").await?;
    // The cosignature has left, and no answer comes.
    stand.takes(None);
    let mut following = witness.keep_following(&stand.url, &log)?;
    timeout(PATIENCE, stand.cosignatures(1)).await??;
    following.kill().await?;
    stand.takes(Some(204));
    let signed = mallory.note().claim().clone();

    // The same tree is signed again, as often as it is asked for.
    let again = witness.follow(&stand.url, &log).await?;
    ensure!(again.code == 0 && again.last()["is_cosigned"] == true, "{again:?}");
    ensure!(stand.handed_in().iter().all(|note| *note.claim() == signed));
    let count = stand.handed_in().len();
    mallory.forget(1);
    mallory.map_leaf(&[head(7, 7)]);
    ensure!(mallory.note().claim().size == signed.size && *mallory.note().claim() != signed);
    stand.show(&mallory);
    let ended = witness.follow(&stand.url, &log).await?;
    ensure!(ended.code == 1 && ended.last()["kind"] == "fork", "{ended:?}");
    ensure!(stand.handed_in().len() == count, "two trees of one size were cosigned");
    Ok(())
}

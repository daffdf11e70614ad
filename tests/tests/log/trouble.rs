//! What is no misbehaviour: nothing is cosigned, nothing is held against the log, and the next round
//! goes on.

use std::fs;

use anyhow::{Result, ensure};
use reconnect_log::{KeyKind, VerifierKey};

use super::{
    auditor::Auditor,
    mallory::{Mallory, Stand, head},
    now,
};

const TROUBLE: i32 = 2;
const USAGE: i32 = 64;

#[tokio::test]
async fn a_server_that_answers_badly_is_asked_again_later() -> Result<()> {
    let mut mallory = Mallory::takes_over().await?;
    let log = mallory.verifier.clone();
    let stand = Stand::open(&mallory).await?;
    let witness = Auditor::witness("witness.example").await?;
    ensure!(witness.follow(&stand.url, &log).await?.code == 0);
    mallory.map_leaf(&[head(7, 7)]);
    stand.show(&mallory);
    let size = mallory.note().claim().size;
    let leaves = format!("tile/entries/000.p/{size}");
    let (leaf, hour) = (format!("heads/{}", size - 1), 3600);
    let at = |time| mallory.sign(log.name(), &log, time).to_string();
    let other = VerifierKey::new(log.name(), KeyKind::Log, *witness.key()?.key())?;
    let unsigned = mallory.note().to_string().replace(' ', "  ");
    let cases: Vec<(&str, u16, Vec<u8>, &str)> = vec![
        ("checkpoint", 500, Vec::new(), "answers 500"),
        ("checkpoint", 404, Vec::new(), "answers 404"),
        ("checkpoint", 302, at(now()).into(), "redirects are refused"),
        ("checkpoint", 200, b"<html>sign in to this network</html>".into(), "not a checkpoint"),
        ("checkpoint", 200, unsigned.into(), "not a checkpoint"),
        ("checkpoint", 200, vec![0xff; 10], "no text"),
        ("checkpoint", 200, vec![b'a'; (64 << 10) + 1], "longer than"),
        ("checkpoint", 200, at(now() - 2 * hour).into(), "s old"),
        ("checkpoint", 200, at(now() + 2 * hour).into(), "s ahead"),
        (&leaves, 503, Vec::new(), "answers 503"),
        (&leaves, 200, vec![0; 256 * 77 + 1], "longer than"),
        (&leaf, 404, Vec::new(), "answers 404"),
        (&leaf, 200, vec![0; 73], "longer than"),
    ];
    for (path, status, bytes, words) in cases {
        stand.honestly();
        stand.instead(path, status, bytes);
        let ended = witness.follow(&stand.url, &log).await?;
        ensure!(ended.code == TROUBLE && ended.says("trouble", words), "{path} {words}: {ended:?}");
    }
    stand.honestly();
    let ended = witness.follow(&stand.url, &other).await?;
    ensure!(ended.code == TROUBLE && ended.says("trouble", "belongs to the log"), "{ended:?}");
    ensure!(stand.handed_in().len() == 1 && witness.evidence()?.is_empty());
    let ended = witness.follow(&stand.url, &log).await?;
    ensure!(ended.code == 0 && ended.last()["is_cosigned"] == true, "{ended:?}");
    Ok(())
}

#[tokio::test]
async fn nobody_else_can_pass_for_the_log() -> Result<()> {
    let mallory = Mallory::takes_over().await?;
    let stand = Stand::open(&mallory).await?;
    let witness = Auditor::witness("witness.example").await?;
    // The right name, another key: what is shown is not signed with it.
    let log = &mallory.verifier;
    let other = VerifierKey::new(log.name(), KeyKind::Log, *witness.key()?.key())?;
    let ended = witness.follow(&stand.url, &other).await?;
    ensure!(ended.code == TROUBLE && ended.says("trouble", "signature is missing"), "{ended:?}");
    ensure!(stand.handed_in().is_empty() && witness.evidence()?.is_empty());
    // Nobody is there at all, and TLS where none is spoken.
    for url in ["http://127.0.0.1:1", &stand.url.replace("http://", "https://")] {
        let ended = Auditor::new().await?.follow(url, log).await?;
        ensure!(ended.code == TROUBLE && ended.says("trouble", "could not be read"), "{ended:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_log_that_is_too_large_to_hold_is_left() -> Result<()> {
    let mut mallory = Mallory::takes_over().await?;
    let heads: Vec<_> = (0..200).map(|it| head(it, 1)).collect();
    mallory.map_leaf(&heads);
    let stand = Stand::open(&mallory).await?;
    let auditor = Auditor::new().await?;
    let (log, state) = (mallory.verifier.to_string(), auditor.place("state"));
    for limit in ["3", "100"] {
        let follow = ["follow", &stand.url, "--log-key", &log, "--state", &state, "--once"];
        let ended = auditor.run(&[&follow[..], &["--limit", limit]].concat()).await?;
        ensure!(ended.code == TROUBLE && ended.says("trouble", "--limit"), "{limit}: {ended:?}");
    }
    ensure!(auditor.follow(&stand.url, &mallory.verifier).await?.code == 0);
    Ok(())
}

#[tokio::test]
async fn a_cosignature_that_is_not_taken_is_told() -> Result<()> {
    let mallory = Mallory::takes_over().await?;
    let log = mallory.verifier.clone();
    let stand = Stand::open(&mallory).await?;
    let witness = Auditor::witness("witness.example").await?;
    for (status, event, words) in [
        (422, "trouble", "RECONNECT_LOG_WITNESSES"),
        (500, "trouble", "answers 500"),
        (409, "verified", "\"is_too_late\":true"),
    ] {
        stand.takes(Some(status));
        let ended = witness.follow(&stand.url, &log).await?;
        ensure!(ended.code == TROUBLE && ended.says(event, words), "{status}: {ended:?}");
    }
    Ok(())
}

#[tokio::test]
async fn one_state_has_one_program_and_a_damaged_one_is_not_begun_anew() -> Result<()> {
    let mallory = Mallory::takes_over().await?;
    let log = mallory.verifier.clone();
    let stand = Stand::open(&mallory).await?;
    let witness = Auditor::witness("witness.example").await?;
    stand.takes(None);
    let mut following = witness.keep_following(&stand.url, &log)?;
    stand.cosignatures(1).await?;
    let beside = witness.follow(&stand.url, &log).await?;
    ensure!(beside.code == TROUBLE && beside.says("trouble", "another program"), "{beside:?}");
    following.kill().await?;
    stand.takes(Some(204));

    // What a crash leaves behind the checkpoint is written over.
    let leaves = witness.place("state/leaves");
    let whole = fs::read(&leaves)?;
    fs::write(&leaves, [whole.as_slice(), &[0, 71, 1, 2, 3]].concat())?;
    ensure!(witness.follow(&stand.url, &log).await?.code == 0);
    for name in ["leaves", "heads", "checkpoint", "log-key", "witness"] {
        let path = witness.place(&format!("state/{name}"));
        let whole = fs::read(&path)?;
        let mut flipped = whole.clone();
        flipped[whole.len() / 3] ^= 4;
        for spoilt in [flipped, whole[..whole.len() / 3].to_vec()] {
            fs::write(&path, spoilt)?;
            let ended = witness.follow(&stand.url, &log).await?;
            ensure!(
                ended.code == TROUBLE && ended.last()["event"] == "trouble",
                "{name} {ended:?}"
            );
        }
        fs::write(&path, whole)?;
    }
    ensure!(witness.follow(&stand.url, &log).await?.code == 0, "put back from a copy");

    // A witness without its memory would cosign another tree.
    fs::rename(witness.place("state"), witness.place("lost"))?;
    let lost = witness.follow(&stand.url, &log).await?;
    ensure!(lost.code == TROUBLE && lost.says("trouble", "make a new key"), "{lost:?}");
    fs::remove_dir_all(witness.place("state"))?;
    fs::rename(witness.place("lost"), witness.place("state"))?;
    ensure!(witness.follow(&stand.url, &log).await?.code == 0);
    Ok(())
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_before_anything_is_done() -> Result<()> {
    let auditor = Auditor::new().await?;
    let witness = Auditor::witness("witness.example").await?;
    let (state, key) = (auditor.place("state"), witness.key()?.to_string());
    let follow = |url: &'static str| ["follow", url, "--log-key", &key, "--state", &state];
    for arguments in [
        vec!["follow"],
        vec!["gossip"],
        follow("http://safe.example").into(),
        // A witness's key in place of the log's.
        follow("https://safe.example").into(),
    ] {
        let output = auditor.raw(&arguments).await?;
        ensure!(output.status.code() == Some(USAGE), "{arguments:?}: {output:?}");
    }
    ensure!(!fs::exists(&state)?);
    let out = witness.place("witness.key");
    let again = witness.run(&["keygen", "--name", "witness.example", "--out", &out]).await?;
    ensure!(again.code == TROUBLE && again.says("trouble", "cannot make"), "{again:?}");
    Ok(())
}

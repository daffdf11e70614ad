//! A log that misbehaves under its own key, one way after the other: the witness notices, signs
//! nothing, and keeps what shows it to a stranger.

use std::{fs, path::Path};

use anyhow::{Result, ensure};
use reconnect_log::{Head, KeyKind, Leaf, Newest, VerifierKey, leaf::encode_heads};
use reconnect_tests::stage::bytes;

use super::{
    auditor::Auditor,
    mallory::{Mallory, Stand, head},
    now,
};

/// Something else than the log's own signatures show it.
pub(crate) const ONES_WORD: i32 = 3;
pub(crate) const NO_EVIDENCE: i32 = 65;

/// Follows an honest log as a witness, lets it misbehave, and looks at what is left.
async fn caught(
    kind: &str,
    about: &str,
    misbehave: impl FnOnce(&mut Mallory, &Stand) -> Result<()>,
) -> Result<()> {
    let mut mallory = Mallory::takes_over().await?;
    let log = mallory.verifier.clone();
    let witness = Auditor::witness("witness.example").await?;
    let stand = Stand::open(&mallory).await?;
    let first = witness.follow(&stand.url, &log).await?;
    ensure!(first.code == 0 && first.last()["is_cosigned"] == true, "honest: {first:?}");
    let signed = stand.handed_in();
    ensure!(signed.len() == 1 && signed[0].verify(witness.key()?)?.is_some());

    misbehave(&mut mallory, &stand)?;
    stand.show(&mallory);
    let ended = witness.follow(&stand.url, &log).await?;
    ensure!(ended.code == 1 && ended.says("misbehaved", about), "{ended:?}");
    ensure!(ended.last()["kind"] == kind, "{ended:?}");
    ensure!(stand.handed_in().len() == 1, "it was cosigned");
    let evidence = witness.evidence()?;
    ensure!(evidence.len() == 1, "{evidence:?}");

    // A stranger, with the key alone.
    let stranger = Auditor::new().await?;
    let is_proof = ended.last()["is_proof"] == true;
    ensure!(is_proof == ["fork", "origin", "replay"].contains(&kind), "{ended:?}");
    let judged = stranger.check(&evidence[0], &log).await?;
    let shown = if is_proof { 0 } else { ONES_WORD };
    ensure!(judged.code == shown && judged.says("misbehaved", about), "{judged:?}");
    let other = VerifierKey::new(log.name(), KeyKind::Log, *witness.key()?.key())?;
    ensure!(stranger.check(&evidence[0], &other).await?.code == NO_EVIDENCE, "another's key");
    spoil(&stranger, &evidence[0], &log, is_proof).await?;

    // Nobody cosigns it again by starting the program again, even when all looks well.
    stand.show(&Mallory::takes_over().await?);
    let again = witness.follow(&stand.url, &log).await?;
    ensure!(again.code == 1 && again.says("known", "evidence"), "{again:?}");
    ensure!(stand.handed_in().len() == 1, "it was cosigned later");
    Ok(())
}

/// Evidence that was changed is none. What was not signed can be changed: no word is worth more than
/// whoever gives it, and the program says so.
async fn spoil(
    stranger: &Auditor,
    evidence: &Path,
    log: &VerifierKey,
    is_proof: bool,
) -> Result<()> {
    let mut tried = 0;
    for file in fs::read_dir(evidence)? {
        let path = file?.path();
        let is_note = path.extension().is_some_and(|it| it == "note");
        if path.ends_with("about.json") || !(is_proof || is_note) {
            continue;
        }
        let whole = fs::read(&path)?;
        // A note's last line says when it was signed: another origin is one without it.
        let until = if is_note { last_line(&whole) } else { whole.len() };
        for part in 0..until.min(12) {
            let mut spoilt = whole.clone();
            spoilt[part * until / 12] ^= 1;
            fs::write(&path, &spoilt)?;
            let judged = stranger.check(evidence, log).await?;
            ensure!(judged.code == NO_EVIDENCE, "{} at {part}: {judged:?}", path.display());
            tried += 1;
        }
        fs::write(&path, &whole[..whole.len() / 2])?;
        ensure!(whole.is_empty() || stranger.check(evidence, log).await?.code == NO_EVIDENCE);
        fs::remove_file(&path)?;
        ensure!(stranger.check(evidence, log).await?.code == NO_EVIDENCE, "without a file");
        fs::write(&path, &whole)?;
    }
    ensure!(tried >= 12, "{tried} changes were tried");
    Ok(())
}

fn last_line(note: &[u8]) -> usize {
    let mut lines = note.trim_ascii_end().split(|byte| *byte == b'\n');
    note.len() - 1 - lines.next_back().map_or(0, <[u8]>::len)
}

#[tokio::test]
async fn a_fork_at_one_size() -> Result<()> {
    caught("fork", "two trees of", |mallory, _| {
        mallory.forget(1);
        mallory.map_leaf(&[head(7, 7)]);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_fork_that_grew() -> Result<()> {
    caught("fork", "two trees of", |mallory, _| {
        mallory.forget(1);
        for value in 1..5 {
            mallory.map_leaf(&[head(7, value)]);
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_fork_that_is_smaller() -> Result<()> {
    caught("fork", "two trees of", |mallory, _| {
        mallory.forget(2);
        mallory.map_leaf(&[head(7, 7)]);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_log_that_goes_back() -> Result<()> {
    caught("back", "leaves first", |mallory, _| {
        mallory.forget(1);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_map_that_lies() -> Result<()> {
    caught("replay", "the map of leaf", |mallory, _| {
        // The tree grows as it should; only what people are shown of the map is another one.
        mallory.entry(1, 1);
        mallory.lie([9; 32], &[], 0);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_map_that_forgets_an_entry() -> Result<()> {
    caught("replay", "the map of leaf", |mallory, _| {
        let before = mallory.map_root();
        mallory.entry(1, 1);
        mallory.lie(before, &[], 0);
        mallory.map_leaf(&[]);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_head_that_comes_back() -> Result<()> {
    caught("replay", "puts something older", |mallory, _| {
        let first = mallory.first_heads()?;
        mallory.map_leaf(&first);
        Ok(())
    })
    .await
}

/// A statement that the log passed over, so that nobody has seen it there: its number tells.
#[tokio::test]
async fn a_head_between_two_that_were_named() -> Result<()> {
    caught("replay", "puts something older", |mallory, _| {
        for sequence in [4, 6, 5] {
            mallory.map_leaf(&[head(7, sequence)]);
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn another_head_under_the_same_number() -> Result<()> {
    caught("replay", "puts something older", |mallory, _| {
        for value in [4, 5] {
            let newest = Newest { sequence: 4, value: [value; 32] };
            mallory.map_leaf(&[Head { index: [7; 32], newest }]);
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_entry_that_comes_back() -> Result<()> {
    caught("replay", "puts something older", |mallory, _| {
        for value in [1, 2, 1] {
            mallory.entry(1, value);
            mallory.map_leaf(&[]);
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_log_that_does_not_end_with_its_map() -> Result<()> {
    caught("replay", "does not end with its map", |mallory, _| {
        mallory.entry(1, 1);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_leaf_that_is_none() -> Result<()> {
    caught("replay", "does not decode", |mallory, _| {
        mallory.push(bytes(1, 60), &[]);
        mallory.map_leaf(&[]);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_leaf_that_names_too_many_heads() -> Result<()> {
    caught("replay", "more heads than", |mallory, _| {
        // LOG-13: nobody has to read four gigabytes to find out.
        mallory.lie([9; 32], &[], u32::MAX);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn heads_out_of_order() -> Result<()> {
    caught("replay", "the heads of leaf", |mallory, _| {
        mallory.lie([9; 32], &encode_heads(&[head(9, 1), head(8, 1)]), 2);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn heads_that_are_not_those_that_the_leaf_names() -> Result<()> {
    caught("heads", "the heads of leaf", |mallory, stand| {
        mallory.map_leaf(&[head(7, 7)]);
        let leaf = mallory.note().claim().size - 1;
        stand.instead(&format!("heads/{leaf}"), 200, encode_heads(&[head(7, 8)]));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn leaves_that_are_not_those_that_were_signed() -> Result<()> {
    caught("leaves", "do not make the root", |mallory, stand| {
        let mut shown = mallory.clone();
        shown.entry(1, 1);
        mallory.entry(1, 2);
        mallory.map_leaf(&[]);
        shown.push(Leaf::Map { root: [1; 32], heads_hash: [2; 32], heads_count: 0 }.encode(), &[]);
        let path = format!("tile/entries/000.p/{}", mallory.note().claim().size);
        stand.instead(&path, 200, shown.tile(&path)?);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_tile_of_leaves_that_is_none() -> Result<()> {
    caught("tile", "does not hold", |mallory, stand| {
        mallory.map_leaf(&[head(7, 7)]);
        let size = mallory.note().claim().size;
        stand.instead(&format!("tile/entries/000.p/{size}"), 200, bytes(1, 100));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_tile_of_hashes_that_is_not_the_logs() -> Result<()> {
    caught("tile", "tile 0/000.p/", |mallory, stand| {
        mallory.map_leaf(&[head(7, 7)]);
        let path = format!("tile/0/000.p/{}", mallory.note().claim().size);
        let mut tile = mallory.tile(&path)?;
        tile[40] ^= 1;
        stand.instead(&path, 200, tile);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn another_origin_under_the_logs_name() -> Result<()> {
    caught("origin", "it signed for else.example", |mallory, stand| {
        let note = mallory.sign("else.example", &mallory.verifier, now());
        stand.instead("checkpoint", 200, note.to_string());
        Ok(())
    })
    .await
}

#[tokio::test]
async fn another_origin_under_another_name() -> Result<()> {
    caught("origin", "it signed for else.example", |mallory, stand| {
        let name = VerifierKey::new("else.example", KeyKind::Log, *mallory.verifier.key())?;
        let note = mallory.sign("else.example", &name, now());
        stand.instead("checkpoint", 200, note.to_string());
        Ok(())
    })
    .await
}

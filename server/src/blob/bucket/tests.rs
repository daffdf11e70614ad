//! What a bucket is asked for, and what is made of its answers.

use anyhow::ensure;

use super::*;
use crate::blob::fake::Fake;

const NAME: Name = Name([0xab; 16]);
const PART: Part =
    Part { envelope_id: EnvelopeId([3; EnvelopeId::SIZE_BYTES]), index: 7, name: Some(NAME) };

/// A bucket with one part.
async fn with_a_part() -> anyhow::Result<(Fake, Bucket)> {
    let fake = Fake::begin().await?;
    let bucket = fake.bucket()?;
    let mut arriving = bucket.arrive();
    arriving.push(Bytes::from_static(b"01234"))?;
    arriving.push(Bytes::from_static(b"56789"))?;
    arriving.finish(PART).await?;
    Ok((fake, bucket))
}

#[tokio::test]
async fn a_part_is_read_from_where_it_begins_and_removed_once() -> anyhow::Result<()> {
    let (fake, bucket) = with_a_part().await?;
    ensure!(bucket.bytes_of(PART).await? == 10);
    let mut reading = bucket.open_part(PART, 2..6).await?;
    ensure!(reading.next(3).await? == b"234"[..] && reading.next(1).await? == b"5"[..]);
    bucket.remove_part(PART).await?;
    ensure!(fake.held().objects.is_empty(), "it is still there");
    bucket.remove_part(PART).await?;
    ensure!(bucket.bytes_of(PART).await.is_err());
    Ok(())
}

/// I-7: what is shorter than it says is asked for again, three times and no more.
#[tokio::test]
async fn an_answer_that_ends_early_is_asked_for_again_and_never_taken_for_whole()
-> anyhow::Result<()> {
    let (fake, bucket) = with_a_part().await?;
    for (short, is_read) in [(0, true), (1, true), (3, true), (4, false), (9, false)] {
        let gets =
            |fake: &Fake| fake.held().asked.iter().filter(|asked| asked.starts_with("GET")).count();
        let before = gets(&fake);
        fake.held().short = short;
        let mut reading = bucket.open_part(PART, 0..10).await?;
        let read = reading.next(10).await;
        let expected = if is_read { short as usize + 1 } else { 4 };
        ensure!(gets(&fake) - before == expected, "{short}: {} requests", gets(&fake) - before);
        match read {
            Ok(bytes) => ensure!(is_read && bytes == b"0123456789"[..], "{short}: {bytes:?}"),
            Err(error) => {
                ensure!(!is_read && error.kind() == io::ErrorKind::UnexpectedEof, "{error}");
            }
        }
    }
    fake.held().short = 0;
    let mut reading = bucket.open_part(PART, 0..10).await?;
    let more = reading.next(11).await.err().map(|error| error.kind());
    ensure!(more == Some(io::ErrorKind::UnexpectedEof), "{more:?}: no more was opened");
    Ok(())
}

#[tokio::test]
async fn a_bucket_that_keeps_versions_is_known_by_its_answer() -> anyhow::Result<()> {
    let fake = Fake::begin().await?;
    let bucket = fake.bucket()?;
    for (version, keeps) in [(None, false), (Some("null"), false), (Some("3HL4kqtJ"), true)] {
        fake.held().version = version;
        ensure!(bucket.put(&["mark"], vec![1]).await? == keeps, "{version:?}");
    }
    ensure!(bucket.get(&["mark"]).await?.as_deref() == Some(&[1][..]));
    ensure!(bucket.get(&["another"]).await?.is_none());
    Ok(())
}

#[test]
fn only_what_is_named_as_a_part_is_one() {
    let (name, most) = (NAME.to_string(), "ab".repeat(15));
    assert_eq!(name_of(&format!("7.{name}")), Some(NAME));
    for other in [
        name.clone(),
        format!("x.{name}"),
        format!("7.{name}ab"),
        format!("7.{most}"),
        format!("7.{most}é"),
        format!("7.{most}zz"),
    ] {
        assert_eq!(name_of(&other), None, "{other}");
    }
}

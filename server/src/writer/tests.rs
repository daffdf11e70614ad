//! Transactions that wait for each other, at one writer.

use std::sync::atomic::AtomicU32;

use reconnect_format::api::Code;
use tokio::sync::{Notify, oneshot};

use super::*;
use crate::{
    config::DatabaseUrl,
    db::{Db, transaction},
    error::{Error, Result},
};

struct Stage {
    folder: tempfile::TempDir,
    db: Db,
}

impl Stage {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let disk = Disk::new(folder.path(), 0);
        let db = Db::open(&DatabaseUrl::Sqlite, folder.path(), &disk).await.expect("opens");
        Self { folder, db }
    }

    async fn rows(&self) -> Vec<u8> {
        rows(&self.db).await
    }

    /// Somebody who works until they are let go, while others come into the line.
    async fn first(&self) -> (oneshot::Sender<()>, tokio::task::JoinHandle<Result<()>>) {
        let (go, gone) = oneshot::channel();
        let mut gone = Some(gone);
        let at_work = Arc::new(Notify::new());
        let (db, begun) = (self.db.clone(), Arc::clone(&at_work));
        let first = tokio::spawn(async move {
            transaction!(db, "first", |tx| {
                insert(1, tx).await?;
                begun.notify_one();
                // Run again, it does not wait again.
                if let Some(gone) = gone.take() {
                    drop(gone.await);
                }
                Ok(())
            })
        });
        at_work.notified().await;
        (go, first)
    }

    /// Somebody who comes into the line and writes.
    fn writes(&self, number: u8) -> tokio::task::JoinHandle<Result<()>> {
        let db = self.db.clone();
        tokio::spawn(async move { transaction!(db, "writes", |tx| { insert(number, tx).await }) })
    }

    /// Waits until so many stand in the line.
    async fn line(&self, count: usize) {
        while self.db.waiting() != count {
            tokio::task::yield_now().await;
        }
    }
}

async fn insert(number: u8, tx: &mut AnyConnection) -> Result<()> {
    sqlx::query("insert into doomed (envelope_id) values ($1)")
        .bind(vec![number; 16])
        .execute(tx)
        .await?;
    Ok(())
}

/// What is committed, in the order of writing.
async fn rows(db: &Db) -> Vec<u8> {
    let rows: Vec<Vec<u8>> = sqlx::query_scalar("select envelope_id from doomed order by rowid")
        .fetch_all(db.reader())
        .await
        .expect("read");
    rows.iter().filter_map(|row| row.first().copied()).collect()
}

#[tokio::test]
async fn those_who_wait_are_committed_together_in_the_order_of_coming() {
    let stage = Stage::new().await;
    let (go, first) = stage.first().await;
    let mut others = Vec::new();
    for number in 2..=40 {
        let db = stage.db.clone();
        others.push(tokio::spawn(async move {
            let seen = transaction!(db, "other", |tx| {
                insert(number, tx).await?;
                Ok(rows(&db).await.len())
            });
            // Whoever has an answer is on the disk.
            assert!(rows(&db).await.contains(&number));
            seen.expect("written")
        }));
        stage.line(usize::from(number) - 1).await;
    }
    go.send(()).expect("it waits");
    first.await.expect("ends").expect("written");
    let mut seen = Vec::new();
    for other in others {
        seen.push(other.await.expect("ends"));
    }
    assert_eq!(stage.rows().await, (1..=40).collect::<Vec<u8>>());
    assert_eq!(seen.first(), Some(&0), "what the first wrote was not committed yet");
    let groups: std::collections::BTreeSet<_> = seen.iter().collect();
    assert!(groups.len() <= 21, "nobody was committed with anybody: {seen:?}");
}

#[tokio::test]
async fn a_refusal_takes_nothing_of_the_others_with_it() {
    let stage = Stage::new().await;
    let (go, first) = stage.first().await;
    let db = stage.db.clone();
    let refused = tokio::spawn(async move {
        let refused: Result<()> = transaction!(db, "refused", |tx| {
            insert(2, tx).await?;
            Err(Code::Refused.into())
        });
        // What it saw is on the disk when it is answered.
        (refused, rows(&db).await)
    });
    stage.line(1).await;
    let last = stage.writes(3);
    stage.line(2).await;
    go.send(()).expect("it waits");
    first.await.expect("ends").expect("written");
    last.await.expect("ends").expect("written");
    let (refused, seen) = refused.await.expect("ends");
    assert!(matches!(refused, Err(Error::Code(Code::Refused))));
    assert!(seen.starts_with(&[1]), "{seen:?}");
    assert_eq!(stage.rows().await, [1, 3]);
}

#[tokio::test]
async fn who_hangs_up_in_the_middle_takes_only_their_own_with_them() {
    let stage = Stage::new().await;
    let (go, first) = stage.first().await;
    let at_work = Arc::new(Notify::new());
    let (db, begun) = (stage.db.clone(), Arc::clone(&at_work));
    let leaves = tokio::spawn(async move {
        transaction!(db, "leaves", |tx| {
            insert(2, tx).await?;
            begun.notify_one();
            std::future::pending::<Result<()>>().await
        })
    });
    stage.line(1).await;
    let never = stage.writes(3);
    stage.line(2).await;
    let last = stage.writes(4);
    stage.line(3).await;
    // One leaves the line, one leaves the desk.
    never.abort();
    stage.line(2).await;
    go.send(()).expect("it waits");
    at_work.notified().await;
    leaves.abort();
    first.await.expect("ends").expect("written");
    last.await.expect("ends").expect("written");
    assert_eq!(stage.rows().await, [1, 4]);
}

#[tokio::test]
async fn a_group_is_committed_when_all_of_its_callers_have_hung_up() {
    let stage = Stage::new().await;
    let (go, first) = stage.first().await;
    let at_work = Arc::new(Notify::new());
    let (db, begun) = (stage.db.clone(), Arc::clone(&at_work));
    let second = tokio::spawn(async move {
        transaction!(db, "second", |tx| {
            insert(2, tx).await?;
            begun.notify_one();
            std::future::pending::<Result<()>>().await
        })
    });
    stage.line(1).await;
    go.send(()).expect("it waits");
    at_work.notified().await;
    first.abort();
    second.abort();
    assert!(first.await.is_err() && second.await.is_err(), "both have hung up");
    // Nobody else comes, and nothing stays open: the next one would wait for it.
    while stage.rows().await != [1] {
        tokio::task::yield_now().await;
    }
    let third = transaction!(stage.db, "third", |tx| { insert(3, tx).await });
    third.expect("written");
    assert_eq!(stage.rows().await, [1, 3]);
}

#[tokio::test]
async fn a_commit_that_fails_reaches_all_and_only_its_cause_is_refused() {
    let stage = Stage::new().await;
    let (go, first) = stage.first().await;
    let runs = Arc::new(AtomicU32::new(0));
    let (db, count) = (stage.db.clone(), Arc::clone(&runs));
    let cause = tokio::spawn(async move {
        transaction!(db, "cause", |tx| {
            count.fetch_add(1, Ordering::SeqCst);
            insert(2, tx).await?;
            // Asked for at the commit alone: a part of an upload that is not there.
            tx.execute("pragma defer_foreign_keys = 1").await?;
            tx.execute("insert into part (envelope_id, part_index, leaves) values (x'01', 0, x'')")
                .await?;
            Ok(())
        })
    });
    stage.line(1).await;
    let (db, count) = (stage.db.clone(), Arc::clone(&runs));
    let last = tokio::spawn(async move {
        transaction!(db, "last", |tx| {
            count.fetch_add(1, Ordering::SeqCst);
            insert(3, tx).await
        })
    });
    stage.line(2).await;
    go.send(()).expect("it waits");
    first.await.expect("ends").expect("written, the second time");
    last.await.expect("ends").expect("written, the second time");
    let refused = cause.await.expect("ends").expect_err("it cannot be committed");
    assert!(matches!(refused, Error::Database(_)), "{refused}");
    let mut rows = stage.rows().await;
    rows.sort_unstable();
    assert_eq!(rows, [1, 3]);
    assert!(runs.load(Ordering::SeqCst) > 2, "nobody ran again");
}

#[tokio::test]
async fn a_full_disk_in_the_middle_of_a_group_loses_nothing_of_the_others() {
    let stage = Stage::new().await;
    let ballast = stage.folder.path().join("ballast");
    std::fs::write(&ballast, [0]).expect("laid down");
    let (go, first) = stage.first().await;
    let db = stage.db.clone();
    let large = tokio::spawn(async move {
        let filled: Result<()> = transaction!(db, "large", |tx| {
            insert(2, tx).await?;
            // As full as a disk: SQLite undoes the whole transaction by itself.
            tx.execute("pragma max_page_count = 1").await?;
            let full = sqlx::query("insert into doomed (envelope_id) values (zeroblob(1000000))")
                .execute(&mut *tx)
                .await;
            tx.execute("pragma max_page_count = 1000000000").await?;
            full?;
            Ok(())
        });
        filled
    });
    stage.line(1).await;
    let last = stage.writes(3);
    stage.line(2).await;
    go.send(()).expect("it waits");
    first.await.expect("ends").expect("written");
    last.await.expect("ends").expect("written");
    let refused = large.await.expect("ends").expect_err("there is no room");
    assert!(matches!(refused, Error::Code(Code::StorageFull)), "{refused}");
    assert!(!ballast.exists(), "the ballast was kept while there was no room");
    let mut rows = stage.rows().await;
    rows.sort_unstable();
    assert_eq!(rows, [1, 3]);
}

#[tokio::test]
async fn nobody_works_at_a_writer_that_was_closed() {
    let stage = Stage::new().await;
    stage.db.close().await;
    let late: Result<()> = transaction!(stage.db, "late", |tx| { insert(1, tx).await });
    assert!(matches!(late, Err(Error::Wait(Code::Unavailable, _))));
}

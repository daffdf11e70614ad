//! Starting: what is missing or does not belong together is said, and nothing is made in its place.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use reconnect::{App, operator::Operator};

use crate::stage::{Person, Server, server};

/// The real program on a folder; killed when this is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn serve(data: &Path, log: &str) -> Process {
    let command = Command::new(env!("CARGO_BIN_EXE_reconnect"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .env("RECONNECT_LOG", log)
        .stderr(Stdio::piped())
        .spawn();
    Process(command.expect("starts"))
}

/// What it logs until it says this, or ends.
fn logged_until(process: &mut Process, last: &str) -> String {
    let mut log = String::new();
    let stderr = process.0.stderr.take().expect("piped");
    for line in BufReader::new(stderr).lines() {
        let line = line.expect("text");
        log.push_str(&line);
        log.push('\n');
        if line.contains(last) {
            break;
        }
    }
    log
}

#[tokio::test]
async fn the_operator_s_key_is_never_made_by_a_command() {
    let server = server().await;
    let key = server.folder.path().join("secrets/operator.key");
    std::fs::remove_file(&key).expect("it was there");
    let opened = Operator::open(server.config.clone(), server.app.clock().clone()).await;
    let error = opened.err().expect("refused").to_string();
    assert!(error.contains("RECONNECT_DATA"), "{error}");
    assert!(!key.exists());
}

#[tokio::test]
async fn a_lost_key_of_the_six_words_is_said_loudly_when_somebody_has_words() {
    let server = server().await;
    if server.config.database != reconnect::config::DatabaseUrl::Sqlite {
        return;
    }
    let key = server.folder.path().join("secrets/opaque.key");
    std::fs::remove_file(&key).expect("it was there");
    let Server { app, router, folder, config, .. } = server;
    let clock = app.clock().clone();
    app.close().await;
    drop((app, router));
    let log = logged_until(&mut serve(folder.path(), "info"), "listening");
    assert!(!log.contains("opaque.key"), "nobody has words yet: {log}");

    let app = App::open(config.clone(), clock).await.expect("opens");
    let router = reconnect::app::router(app.clone());
    let server = Server { app, router, folder, config, remote: None };
    Person::arrive(&server).await;
    let Server { app, router, folder, .. } = server;
    app.close().await;
    drop((app, router));
    let log = logged_until(&mut serve(folder.path(), "info"), "listening");
    assert!(!log.contains("opaque.key"), "it is there: {log}");
    std::fs::remove_file(&key).expect("it was there");
    let log = logged_until(&mut serve(folder.path(), "info"), "listening");
    assert!(log.contains("opaque.key") && log.contains("recovery sheets"), "{log}");
}

#[test]
fn a_log_setting_that_cannot_be_read_stops_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut process = serve(folder.path(), "info,[[");
    let log = logged_until(&mut process, "listening");
    assert!(log.contains("RECONNECT_LOG"), "{log}");
    assert!(!process.0.wait().expect("ends").success());
}

/// Where the database is shared: `SQLite`'s is in the folder itself.
#[tokio::test]
async fn a_database_belongs_to_one_data_folder() {
    let server = server().await;
    if server.config.database == reconnect::config::DatabaseUrl::Sqlite {
        return;
    }
    let Server { app, router, folder, mut config, .. } = server;
    let clock = app.clock().clone();
    let other = tempfile::tempdir().expect("a folder");
    config.data = other.path().to_path_buf();
    let error = App::open(config.clone(), clock.clone()).await.err().expect("refused").to_string();
    assert!(error.contains("RECONNECT_DATABASE"), "{error}");
    app.close().await;
    drop((app, router));
    config.data = folder.path().to_path_buf();
    assert!(App::open(config, clock).await.is_ok());
}

//! Asked to stop: what is under way ends well, and nothing new begins.

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{
    vault::{upload_begin, upload_part},
    world::World as _,
};
use reconnect_format::api::{Call, CallBody};
use reconnect_tests::{
    process::Setup,
    stage::{Person, bytes, card, parts, read},
    wire,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::browser;

/// I-28: what is under way ends well.
#[tokio::test]
async fn a_server_that_is_asked_to_stop_finishes_what_is_under_way() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let setup = Setup::on(folder.path()).await?;
    let mut process = setup.start().await?;
    let mut owner = Person::open(browser(setup.address), true).await?;
    let plain = bytes(1, 3_000_000);
    let draft = owner.vault.begin_content(&owner.browser, None, plain.len() as u64)?;
    let (pieces, leaves) = parts(&draft.plan, &plain);
    owner.browser.ship(upload_begin(&draft), Some(owner.vault.token())).await?;
    let call = upload_part(draft.envelope_id, 0, pieces[0].clone());
    let CallBody::Bytes(body) = call.body else { anyhow::bail!("a part is bytes") };

    let mut stream = TcpStream::connect(setup.address).await?;
    let head = format!(
        "PUT {} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n",
        call.path,
        setup.address,
        owner.vault.token(),
        body.len()
    );
    let (first, second) = body.split_at(body.len() / 2);
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(first).await?;
    // An answer on another connection: the server has had time to read the head of this one.
    owner.vault.sync(&owner.browser).await?;
    process.ask_to_stop()?;
    loop {
        let asked = wire::outside(setup.address, &Call::read("/readyz").open(), None).await;
        if asked.is_err() || asked.is_ok_and(|answer| answer.status == 503) {
            break;
        }
        tokio::task::yield_now().await;
    }
    stream.write_all(second).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let status = String::from_utf8_lossy(&answer).into_owned();
    ensure!(status.starts_with("HTTP/1.1 204"), "the upload under way: {status}");
    let ended = process.ended().await?;
    ensure!(ended.success(), "it ended with {ended}");

    let process = setup.start().await?;
    let arrived = owner.vault.parts_arrived(&owner.browser, draft.envelope_id).await?;
    ensure!(arrived == [0], "arrived: {arrived:?}");
    owner.vault.finish_content(&owner.browser, &draft, &leaves, &card("Photo")).await?;
    let id = draft.document_id;
    ensure!(read(&owner.vault, &owner.browser, id).await? == plain);
    let ended = process.stop().await.context("an idle server")?;
    ensure!(ended.success(), "an idle server ended with {ended}");
    Ok(())
}

/// I-30: two servers on one folder.
#[tokio::test]
async fn a_second_server_on_the_same_folder_is_refused() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let setup = Setup::on(folder.path()).await?;
    let process = setup.start().await?;
    let beside = Setup::on(folder.path()).await?;
    ensure!(beside.start().await.is_err(), "two servers run on one folder");
    ensure!(process.stop().await?.success());
    Ok(())
}

/// I-30: a setting that makes no sense.
#[tokio::test]
async fn a_setting_that_makes_no_sense_stops_the_start_by_its_name() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let setup = Setup::on(folder.path()).await?;
    for (name, value) in [
        ("RECONNECT_LISTEN", "somewhere"),
        ("RECONNECT_DATABASE", "mysql://here"),
        ("RECONNECT_FILE_LIMIT_BYTES", "many"),
        ("RECONNECT_ACCOUNT_LIMIT_BYTES", "70000"),
    ] {
        let output = tokio::process::Command::new(&setup.program)
            .arg("serve")
            .env("RECONNECT_DATA", folder.path())
            .env(name, value)
            .output()
            .await?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let flag = name.trim_start_matches("RECONNECT_").to_lowercase().replace('_', "-");
        let named = said.contains(name) || said.contains(&format!("--{flag}"));
        ensure!(!output.status.success() && named, "{name}: {said}");
    }
    Ok(())
}

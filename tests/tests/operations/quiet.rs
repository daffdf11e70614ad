//! A long scene before the real program, which logs everything that it and its libraries can log: nothing of a person
//! is in it, nor in its figures.

use std::{
    collections::BTreeSet,
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
};

use anyhow::{Context as _, Result, ensure};
use reconnect::{Config, metrics};
use reconnect_core::{
    error::Error,
    vault::{Naming, Who, upload_begin, upload_part},
    words::SixWords,
    world::World as _,
};
use reconnect_format::{api::Call, id::StructureId};
use reconnect_tests::{
    dump,
    process::{Setup, build_with_faults},
    scan::Canary,
    stage::{Database, Person, bytes, parts, unlock_with_words},
    team::{Member, accept},
    wire,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpSocket,
};

use super::{browser, clock};

/// An address that only the scene's strangers have.
const FROM: Ipv4Addr = Ipv4Addr::new(127, 9, 8, 7);
/// Whom the proxy names.
const FORWARDED: &str = "203.0.113.77";
const AGENT: &str = "Mozilla/5.0 (Linux; Android 9; TelephoneDAminata)";
const TITLE: &str = "Récépissé d'Aminata";
const PLAIN: &str = "Née à Bamako, dossier 7-1942.";
/// Figures that are given out only once there is something to count.
const SELDOM: [&str; 1] = ["reconnect_transaction_retries"];

/// I-17, I-23: on `SQLite`.
#[tokio::test]
async fn nothing_of_a_person_is_in_the_log_or_the_figures_on_sqlite() -> Result<()> {
    Box::pin(live(Database::Sqlite)).await
}

/// I-17, I-23: on `PostgreSQL`.
#[tokio::test]
async fn nothing_of_a_person_is_in_the_log_or_the_figures_on_postgres() -> Result<()> {
    Box::pin(live(Database::Postgres)).await
}

/// I-23: a panic is logged by its place and counted; its message, which may quote what somebody sent, is not.
#[tokio::test]
async fn a_panic_is_logged_by_its_place_and_counted() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (mut setup, watched) = watched(&folder).await?;
    setup.program = build_with_faults().await?;
    setup.variables.push(("RECONNECT_PANIC_AT", "session::end_this".to_owned()));
    let process = setup.start().await?;
    let owner = Box::pin(Person::open(browser(setup.address), false)).await?;
    let call = Call { method: "DELETE", ..Call::read("/v1/sessions/this") };
    let answer = wire::outside(setup.address, &call, Some(owner.vault.token())).await?;
    ensure!(answer.status == 500, "it answered {}", answer.status);
    let elsewhere = wire::outside(setup.address, &Call::read("/metrics").open(), None).await?;
    ensure!(elsewhere.status == 404, "everybody reads the figures: {}", elsewhere.status);
    let figures = figures(watched).await?;
    ensure!(figures.contains("reconnect_panics_total 1\n"), "{figures}");
    ensure!(process.stop().await?.success());
    let log = fs::read_to_string(log_of(&folder))?;
    ensure!(log.contains("panicked") && log.contains("src/fault.rs"), "nobody finds the place");
    ensure!(!log.contains("what somebody sent"), "the message is in the log");
    Ok(())
}

fn log_of(folder: &TempDir) -> std::path::PathBuf {
    folder.path().join("log")
}

/// The program with everything logged, and where its figures are.
async fn watched(folder: &TempDir) -> Result<(Setup, SocketAddr)> {
    let mut setup = Setup::on(&folder.path().join("data")).await?;
    let address = watch(&mut setup, folder)?;
    Ok((setup, address))
}

fn watch(setup: &mut Setup, folder: &TempDir) -> Result<SocketAddr> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    setup.variables.push(("RECONNECT_METRICS", address.to_string()));
    setup.variables.push(("RECONNECT_LOG", "trace".to_owned()));
    setup.log = Some(log_of(folder));
    Ok(address)
}

async fn figures(watched: SocketAddr) -> Result<String> {
    let answer = wire::outside(watched, &Call::read("/metrics").open(), None).await?;
    ensure!(answer.status == 200, "/metrics answers {}", answer.status);
    Ok(String::from_utf8(answer.body)?)
}

async fn live(database: Database) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (mut setup, config) = Setup::over(&folder.path().join("data"), database).await?;
    let watched = watch(&mut setup, &folder)?;
    let mut process = setup.start().await?;
    let (mut owner, mut canaries) = Box::pin(people(setup.address, &config)).await?;
    canaries.push(Canary::text("a stranger's address", &FROM.to_string()));
    canaries.push(Canary::text("an address that a proxy names", FORWARDED));
    canaries.push(Canary::text("a browser's name", "TelephoneDAminata"));
    let figures = figures(watched).await?;
    canaries.push(break_disk(setup.address, &config, &mut owner).await?);
    ensure!(process.ended().await?.code() == Some(70), "its disk broke, and it went on");
    let log = fs::read(log_of(&folder))?;

    let text = String::from_utf8_lossy(&log);
    for control in [
        "route=\"/v1/deposits\" status=500",
        "a download broke",
        "storage failed",
        "a request failed inside",
        "no such table: deposit|relation \"deposit\" does not exist",
        "route=\"/v1/unlock/words\" status=4",
        "a connection ended early",
        "TRACE|DEBUG sqlx",
    ] {
        let is_there = control.split('|').any(|it| text.contains(it));
        let rest: Vec<_> = text.lines().filter(|it| !it.contains("sqlx::")).collect();
        ensure!(is_there, "the log says nothing of {control}:\n{}", rest.join("\n"));
    }
    for canary in &canaries {
        for (place, bytes) in [("log", log.as_slice()), ("figures", figures.as_bytes())] {
            let line = bytes.split(|it| *it == b'\n').find(|line| canary.is_in(line));
            let line = line.map(|line| String::from_utf8_lossy(line).into_owned());
            ensure!(!canary.is_in(bytes), "{} is in the {place}: {line:?}", canary.name());
        }
    }
    are_described(&figures)
}

/// What is given out is what the document says, no more and no less.
fn are_described(text: &str) -> Result<()> {
    let given: BTreeSet<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .map(str::to_owned)
        .collect();
    let described: BTreeSet<_> = metrics::figures()
        .into_iter()
        .map(|it| it.name.trim_end_matches("_total").to_owned())
        .collect();
    let missing: Vec<_> =
        described.difference(&given).filter(|it| !SELDOM.contains(&it.as_str())).collect();
    ensure!(missing.is_empty(), "not given out: {missing:?}");
    let more: Vec<_> = given.difference(&described).collect();
    ensure!(more.is_empty(), "not described: {more:?}");
    ensure!(text.ends_with("# EOF\n"), "it does not end");
    Ok(())
}

/// Everything that people do, and what must be nowhere afterwards.
async fn people(server: SocketAddr, config: &Config) -> Result<(Person, Vec<Canary>)> {
    let mut owner = Person::open(browser(server), true).await?;
    let mut manager =
        Member::found(Person::open(browser(server), true).await?, "Maison d'Aminata", "Lyon")
            .await?;
    let structure_id = manager.desk.structure_id();
    accept(config.clone(), clock(), structure_id).await?;
    let mut worker = manager.admit(Person::open(browser(server), true).await?, "Paul Cana").await?;
    let friend = Person::open(browser(server), true).await?;

    let content = format!("{PLAIN} {}", hex::encode(bytes(1, 300_000)));
    let document_id = owner.add(TITLE, content.as_bytes()).await?;
    owner.vault.rename(&owner.browser, document_id, "Convocation préfecture").await?;
    let grant_id = owner.give(structure_id, &[document_id]).await?;
    ensure!(worker.received().await?.len() == 1);
    ensure!(worker.read(grant_id, document_id).await? == content.as_bytes());
    let deposit_id = worker.deposit(owner.vault.account_id(), PLAIN.as_bytes()).await?;
    owner.vault.look_into_inbox(&owner.browser).await?;
    Box::pin(name_guardians(&mut owner, &friend, structure_id)).await?;
    owner.vault.take_back(&owner.browser, grant_id).await?;

    let elsewhere = browser(server);
    owner.with_words(&elsewhere, true).await?;
    owner.with_sheet(&elsewhere, false).await?;
    let others = SixWords::parse(&friend.words)?;
    for handle in [owner.handle.as_str(), "nobody-here-1"] {
        let refused = unlock_with_words(&elsewhere, handle, &others, false).await;
        ensure!(refused.is_err(), "somebody else's words open a safe");
    }
    let mut canaries = vec![
        Canary::text("the content", PLAIN),
        Canary::text("the title", TITLE),
        Canary::text("the new title", "Convocation préfecture"),
        Canary::text("the structure's name", "Maison d'Aminata"),
        Canary::text("the worker's name", "Paul Cana"),
        Canary::text("the purpose", "Demande de logement"),
        Canary::text("who signed", "Aminata D."),
        Canary::text("how a guardian knows them", "la dame au chien"),
        Canary::text("a handle that is nobody's", "nobody-here-1"),
        Canary::text("the document", &document_id.to_string()),
        Canary::text("the grant", &grant_id.to_string()),
        Canary::text("the deposit", &deposit_id.to_string()),
        Canary::text("the structure", &structure_id.to_string()),
    ];
    for (who, person) in [
        ("owner", &owner),
        ("manager", &manager.person),
        ("worker", &worker.person),
        ("friend", &friend),
    ] {
        let id = person.vault.account_id();
        canaries.extend([
            Canary::text(&format!("{who}'s account"), &id.to_string()),
            Canary::bytes(&format!("{who}'s account, as bytes"), id.as_bytes()),
            Canary::text(&format!("{who}'s session"), person.vault.token()),
            Canary::text(&format!("{who}'s handle"), &person.handle),
            Canary::text(&format!("{who}'s words"), &person.words),
            Canary::text(&format!("{who}'s sheet"), &person.sheet),
        ]);
    }
    strangers(server, &owner, &document_id.to_string()).await?;
    canaries.extend(failures(server, config, &owner, &document_id.to_string()).await?);
    Ok((owner, canaries))
}

async fn name_guardians(
    owner: &mut Person,
    friend: &Person,
    place: StructureId,
) -> Result<(), Error> {
    let who = Who::of_address(&friend.vault.account_id().deposit_address())?;
    let naming = Naming {
        who: vec![(who, "friend".to_owned()), (Who::Structure(place), "place".to_owned())],
        needed: 2,
        wait_seconds: 7 * 24 * 3600,
        short_wait_seconds: 7 * 24 * 3600,
        signed_as: "Aminata D.".to_owned(),
        known_by: "la dame au chien".to_owned(),
    };
    Box::pin(owner.vault.name_guardians(&owner.browser, &naming)).await.map(drop)
}

/// Requests of all kinds that are refused, each with everything that a browser and a proxy say of a person.
async fn strangers(server: SocketAddr, owner: &Person, document: &str) -> Result<()> {
    let (token, handle) = (owner.vault.token(), owner.handle.as_str());
    let account = owner.vault.account_id();
    let said = format!(
        "Host: {server}\r\nConnection: close\r\nUser-Agent: {AGENT}\r\nX-Forwarded-For: {FORWARDED}\r\nForwarded: for={FORWARDED}\r\n\
         Cookie: who={handle}\r\nReferer: https://safe.example/{document}\r\n"
    );
    let json =
        format!("{{\"handle\":\"{handle}\",\"account\":\"{account}\",\"title\":\"{TITLE}\"}}");
    let body =
        format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{json}", json.len());
    let bearer = format!("Authorization: Bearer {token}\r\n");
    let long = "x".repeat(70_000);
    let whole = [
        format!("GET /{handle}/{document} HTTP/1.1\r\n{said}\r\n"),
        format!("GET /v1/documents/{document}/content?for={handle} HTTP/1.1\r\n{said}\r\n"),
        format!(
            "GET /v1/documents/{document}/content HTTP/1.1\r\n{said}{bearer}Range: bytes={handle}\r\n\r\n"
        ),
        format!("GET /v1/documents/{document}x/content HTTP/1.1\r\n{said}{bearer}\r\n"),
        format!("GET /v1/nothing/{account} HTTP/1.1\r\n{said}{bearer}\r\n"),
        format!("BREW /v1/sync HTTP/1.1\r\n{said}{bearer}\r\n"),
        format!("PATCH /v1/sync HTTP/1.1\r\n{said}{bearer}\r\n"),
        format!("GET /v1/sync HTTP/1.1\r\n{said}Authorization: Bearer {handle}\r\n\r\n"),
        format!("POST /v1/statements HTTP/1.1\r\n{said}{bearer}{body}"),
        format!("POST /v1/unlock/words HTTP/1.1\r\n{said}{body}"),
        format!(
            "POST /v1/unlock/words HTTP/1.1\r\n{said}Content-Type: text/{handle}\r\nContent-Length: 3\r\n\r\n{{\"a"
        ),
        format!(
            "POST /v1/accounts HTTP/1.1\r\n{said}Content-Type: application/json\r\nContent-Length: 999999999\r\n\r\n{json}"
        ),
        // What is no HTTP.
        format!("GE T /{handle} {document}\r\n{said}\r\n"),
        format!("GET /{handle}\u{7f}\u{1} HTTP/9.9\r\n{said}\r\n"),
        format!("GET / HTTP/1.1\r\n{said}X-{handle} {document}: \u{1}\r\n\r\n"),
        format!("GET /{long} HTTP/1.1\r\n{said}\r\n"),
    ];
    let cut = [
        format!("POST /v1/statements HTTP/1.1\r\n{said}{bearer}Content-Length: 5000\r\n\r\n{json}"),
        format!("GET /{handle} HT"),
    ];
    for (is_cut, request) in
        whole.iter().map(|it| (false, it)).chain(cut.iter().map(|it| (true, it)))
    {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((FROM, 0)))?;
        let mut stream = socket.connect(server).await?;
        // The server may answer, and close, before it has read all.
        if stream.write_all(request.as_bytes()).await.is_ok() {
            if is_cut {
                drop(stream.shutdown().await);
            }
            drop(stream.read_to_end(&mut Vec::new()).await);
        }
    }
    Ok(())
}

/// What fails inside: a sealed file that is gone, a table that is gone.
async fn failures(
    server: SocketAddr,
    config: &Config,
    owner: &Person,
    document: &str,
) -> Result<Vec<Canary>> {
    let mut canaries = Vec::new();
    let token = Some(owner.vault.token());
    let content = Call::read(format!("/v1/documents/{document}/content"));
    // The head has left before it is noticed that a part ends too early.
    for envelope in fs::read_dir(config.data.join("blobs"))? {
        let part = fs::OpenOptions::new().write(true).open(envelope?.path().join("0"))?;
        part.set_len(part.metadata()?.len() / 2)?;
    }
    drop(wire::outside(server, &content, token).await);
    for envelope in fs::read_dir(config.data.join("blobs"))? {
        let envelope = envelope?.path();
        canaries.push(Canary::text("an envelope", &name(&envelope)?));
        fs::remove_dir_all(&envelope)?;
    }
    ensure!(canaries.len() > 1, "nothing was stored");
    // What is not there is missed before the head leaves; the thumbnail is a row.
    for path in ["content", "thumbnail"] {
        let call = Call::read(format!("/v1/documents/{document}/{path}"));
        drop(wire::outside(server, &call, token).await);
    }
    let mut connection = dump::connect(config).await?;
    sqlx::query("alter table deposit rename to gone").execute(&mut connection).await?;
    let answer = wire::outside(server, &Call::read("/v1/deposits"), token).await?;
    ensure!(answer.status == 500, "without its table: {}", answer.status);
    sqlx::query("alter table gone rename to deposit").execute(&mut connection).await?;
    let answer = wire::outside(server, &content, token).await;
    ensure!(answer.is_err() || answer.is_ok_and(|it| it.status == 500), "a file that is gone");
    Ok(canaries)
}

/// The folder of an upload is none: a part cannot be written, and the server ends.
async fn break_disk(server: SocketAddr, config: &Config, owner: &mut Person) -> Result<Canary> {
    let plain = bytes(2, 100_000);
    let draft = owner.vault.begin_content(&owner.browser, None, plain.len() as u64)?;
    let (pieces, _) = parts(&draft.plan, &plain);
    owner.browser.ship(upload_begin(&draft), Some(owner.vault.token())).await?;
    let folder = config.data.join("blobs").join(draft.envelope_id.to_string());
    fs::remove_dir(&folder)?;
    fs::write(&folder, "no folder")?;
    let piece = pieces.first().context("no part")?.clone();
    let call = upload_part(draft.envelope_id, 0, piece);
    let answer = wire::outside(server, &call, Some(owner.vault.token())).await;
    ensure!(answer.is_err(), "it was acknowledged");
    Ok(Canary::text("an upload", &draft.envelope_id.to_string()))
}

fn name(path: &Path) -> Result<String> {
    let name = path.file_name().and_then(|it| it.to_str());
    Ok(name.context("a file without a name")?.to_owned())
}

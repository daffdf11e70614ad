//! Fills a running server with invented people and papers, and says how to come in as each.
//!
//! `demo http://localhost:8080 [DATA]`: DATA is the server's folder, where the operator accepts the
//! structure, and where what was said is kept in `demo.txt` for the next time.

use std::{
    env,
    fmt::Write as _,
    fs,
    net::{SocketAddr, ToSocketAddrs as _},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{
    vault::{Comparison, Gift},
    world::World as _,
};
use reconnect_format::id::{DocumentId, StructureId};
use reconnect_tests::{
    browser::outside as browser,
    paper::{Made, pdf, photo},
    stage::{DAY, Person},
    team::Member,
};

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "what it says is what it is for")]
async fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let address = arguments.next().context("say where the server is: http://localhost:8080")?;
    let data = arguments.next().map(PathBuf::from);
    let data = data.or_else(|| env::var_os("RECONNECT_DATA").map(PathBuf::from));
    let data = data.unwrap_or_else(|| PathBuf::from("data"));
    let said = data.join("demo.txt");
    if let Ok(text) = fs::read_to_string(&said) {
        println!("{text}");
        return Ok(());
    }
    let text = Box::pin(play(resolve(&address)?, &address, &data)).await?;
    fs::write(&said, &text).with_context(|| said.display().to_string())?;
    println!("{text}");
    Ok(())
}

async fn play(server: SocketAddr, address: &str, data: &Path) -> Result<String> {
    let mut manager =
        Member::found(Person::open(browser(server), true).await?, "Accueil de jour", "Lyon")
            .await?;
    let structure_id = manager.desk.structure_id();
    accept(structure_id, data)?;
    let worker = Person::open(browser(server), true).await?;
    let mut worker = manager.admit(worker, "Paul").await?;

    let mut aminata = Person::open(browser(server), true).await?;
    let passport = add(&mut aminata, photo("Passeport", [122, 38, 58])?).await?;
    let housing = add(&mut aminata, housing("Aminata D.")?).await?;
    add(&mut aminata, photo("Carte Vitale", [38, 120, 84])?).await?;
    add(&mut aminata, prescription()?).await?;
    let given = give(&mut aminata, structure_id, &[passport, housing], "Aminata D.").await?;
    worker.received().await?;
    worker.read(given, passport).await?;

    let mut yusuf = Person::open(browser(server), true).await?;
    let permit = add(&mut yusuf, photo("Titre de séjour", [46, 82, 140])?).await?;
    add(&mut yusuf, photo("Acte de naissance", [150, 110, 50])?).await?;
    let given = give(&mut yusuf, structure_id, &[permit], "Yusuf").await?;
    manager.received().await?;
    manager.read(given, permit).await?;
    yusuf.vault.take_back(&yusuf.browser, given).await?;
    let people = [
        ("Aminata", &aminata),
        ("Yusuf", &yusuf),
        ("The structure's manager", &manager.person),
        ("Paul, its worker", &worker.person),
    ];
    say(address, data, structure_id, &people)
}

fn say(
    address: &str,
    data: &Path,
    structure_id: StructureId,
    people: &[(&str, &Person)],
) -> Result<String> {
    let mut text = format!("Invented people at {address}, each with a safe:\n");
    for (name, person) in people {
        writeln!(text, "\n  {name}\n    safe   {}", person.handle)?;
        writeln!(text, "    words  {}\n    sheet  {}", person.words, person.sheet)?;
    }
    let letters: Vec<char> = structure_id.code().chars().collect();
    let code: Vec<String> = letters.chunks(4).map(|four| four.iter().collect()).collect();
    writeln!(
        text,
        "\nThe structure “Accueil de jour, Lyon” was accepted; its code is\n\n    {}\n\n\
         Aminata gave it two papers, and one was opened; Yusuf took his back.\n\
         A safe opens anywhere. A desk lives on the device of its person, and the manager's and\n\
         Paul's were part of this command. To sit at a desk: {address}/structure in another browser, found a\n\
         structure, then accept it as the operator:\n\n    \
         RECONNECT_DATA={} {} operator accept CODE",
        code.join(" "),
        data.display(),
        server_program()?.display(),
    )?;
    Ok(text)
}

async fn add(person: &mut Person, made: Made) -> Result<DocumentId> {
    let Person { browser, vault, .. } = person;
    Ok(vault.add(browser, None, &made.bytes, &made.card).await?)
}

async fn give(
    person: &mut Person,
    structure_id: StructureId,
    document_ids: &[DocumentId],
    signed_as: &str,
) -> Result<reconnect_format::id::GrantId> {
    let Person { browser, vault, .. } = person;
    let code = structure_id.code();
    vault.compare_structure(browser, structure_id, Comparison::read(&code)).await?;
    let gift = Gift {
        structure_id,
        document_ids: document_ids.to_vec(),
        ends_at: browser.now() + 90 * DAY,
        signed_as: signed_as.to_owned(),
        purpose: "Demande de logement".to_owned(),
    };
    Ok(vault.give(browser, &gift).await?)
}

fn housing(name: &str) -> Result<Made> {
    let lines = [
        "Attestation d'hébergement (exemple)",
        "",
        "Je soussignée, Mme Exemple, atteste sur l'honneur héberger",
        &format!("{name} à mon domicile, 12 rue de l'Exemple, 69000 Lyon,"),
        "depuis le 3 mars, et ce pour une durée indéterminée.",
        "",
        "Fait à Lyon, pour servir et valoir ce que de droit.",
        "",
        "Document inventé : il n'engage personne.",
    ];
    pdf("Attestation d'hébergement", [70, 90, 120], &lines)
}

fn prescription() -> Result<Made> {
    let lines = [
        "Ordonnance (exemple)",
        "",
        "Dr Exemple, médecine générale",
        "Repos, eau, soupe. À renouveler aussi souvent que nécessaire.",
        "",
        "Document inventé.",
    ];
    pdf("Ordonnance", [60, 130, 140], &lines)
}

/// The server's program, beside this one.
fn server_program() -> Result<PathBuf> {
    Ok(env::current_exe()?.with_file_name("reconnect"))
}

/// The operator's word, by that program.
fn accept(structure_id: StructureId, data: &Path) -> Result<()> {
    let program = server_program()?;
    let status = Command::new(&program)
        .args(["operator", "accept", &structure_id.code()])
        .env("RECONNECT_DATA", data)
        .env("RECONNECT_LOG", "warn")
        .stdout(std::process::Stdio::null())
        .status()
        .with_context(|| format!("cannot start {}", program.display()))?;
    ensure!(
        status.success(),
        "the structure was not accepted: is {} the server's folder?",
        data.display()
    );
    Ok(())
}

fn resolve(address: &str) -> Result<SocketAddr> {
    let host = address.strip_prefix("http://").context("an address begins with http://")?;
    let host = host.trim_end_matches('/');
    let found: Vec<SocketAddr> = host.to_socket_addrs().context(host.to_owned())?.collect();
    let first = found.iter().find(|it| it.is_ipv4()).or(found.first());
    first.copied().with_context(|| format!("nothing is at {host}"))
}

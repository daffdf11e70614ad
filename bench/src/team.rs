//! A structure that grows to 200 people, and one to which 5,000 owners gave something: what joining,
//! leaving, carrying grants over and the first screen cost, on the real program with SQLite.

use std::{cell::RefCell, net::SocketAddr, rc::Rc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use reconnect::{Clock, Config, config::DatabaseUrl};
use reconnect_tests::{
    browser::{Browser, Network, Recording},
    crowd,
    process::Setup,
    stage::{Person, settings},
    team::{Member, accept},
};

use crate::{
    figures::{now, print},
    server::system_now,
};

/// Owners who have given something when somebody leaves.
const OWNERS: [usize; 3] = [50, 500, 5000];
/// People in the structure when it is looked at.
const SIZES: [usize; 5] = [5, 25, 50, 100, 200];

/// What something took: time at the one who does it, and what crossed the wire for it.
struct Cost {
    time: Duration,
    sent: usize,
    got: usize,
}

impl Cost {
    fn cells(&self) -> [String; 2] {
        let kilobytes = |bytes: usize| format!("{} kB", bytes.div_ceil(1000));
        [
            format!("{:.0} ms", self.time.as_secs_f64() * 1e3),
            format!("{} / {}", kilobytes(self.sent), kilobytes(self.got)),
        ]
    }
}

/// Where people come from, and what passes between them and the server.
struct Place {
    server: SocketAddr,
    recording: Recording,
}

impl Place {
    fn clock() -> Clock {
        Clock::System(system_now)
    }

    async fn person(&self) -> Result<Person> {
        let network = Rc::new(RefCell::new(Network::Outside(self.server)));
        let browser = Browser::new(network, Self::clock(), Some(Rc::clone(&self.recording)));
        Box::pin(Person::open(browser, true)).await
    }

    async fn cost<T>(&self, work: impl Future<Output = Result<T>>) -> Result<(T, Cost)> {
        self.recording.borrow_mut().clear();
        let begun = now();
        let done = work.await?;
        let time = begun.elapsed();
        let recording = self.recording.borrow();
        let sent = recording.iter().map(|it| it.sent.len()).sum();
        let got = recording.iter().map(|it| it.answer.body.len()).sum();
        Ok((done, Cost { time, sent, got }))
    }
}

#[tokio::main]
pub(crate) async fn measure() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let server = Setup::on(folder.path()).await?.start().await?;
    let place = Place { server: server.address(), recording: Recording::default() };
    let mut manager = Member::found(place.person().await?, "Accueil de jour", "Lyon").await?;
    let config = Config {
        database: DatabaseUrl::Sqlite,
        ..settings(folder.path(), reconnect_tests::stage::Database::Sqlite).await?
    };
    accept(config.clone(), Place::clock(), manager.desk.structure_id()).await?;
    let mut witness = manager.admit(place.person().await?, "Paul").await?;
    Box::pin(carry_over(&place, &config, &mut manager, &mut witness)).await?;
    let mut rows = Vec::new();
    for size in SIZES {
        while manager.numbers().len() + 1 < size {
            manager.admit(place.person().await?, "Nour").await?;
        }
        witness.settle().await?;
        rows.push(Box::pin(change(&place, &mut manager, &mut witness, size)).await?);
    }
    let heads = [
        "people",
        "manager admits",
        "sent / got",
        "newcomer comes in",
        "sent / got",
        "manager puts out",
        "sent / got",
        "a colleague follows both",
        "sent / got",
    ];
    print("A structure that grows, each change at that size", &heads, &rows);
    server.stop().await?;
    Ok(())
}

/// Somebody joins and leaves again.
async fn change(
    place: &Place,
    manager: &mut Member,
    witness: &mut Member,
    size: usize,
) -> Result<Vec<String>> {
    let mut newcomer = manager.invite_to_join(place.person().await?, "Zoé").await?;
    let ((), admits) = place.cost(async { Ok(manager.settle().await?) }).await?;
    let ((), comes) = place.cost(async { Ok(newcomer.settle().await?) }).await?;
    let number = *manager.numbers().last().context("nobody is there")?;
    let ((), leaves) = place.cost(async { Ok(manager.put_out(number).await?) }).await?;
    let ((), follows) = place.cost(async { Ok(witness.settle().await?) }).await?;
    let costs = [admits, comes, leaves, follows];
    Ok([size.to_string()].into_iter().chain(costs.iter().flat_map(Cost::cells)).collect())
}

/// Somebody leaves when so many owners have given something: who stays looks, carries it over, and a
/// colleague's page opens it.
async fn carry_over(
    place: &Place,
    config: &Config,
    manager: &mut Member,
    witness: &mut Member,
) -> Result<()> {
    let mut rows = Vec::new();
    let mut given = 0;
    for owners in OWNERS {
        manager.admit(place.person().await?, "Zoé").await?;
        crowd::gives(config, manager, owners - given, system_now()).await?;
        given = owners;
        let number = *manager.numbers().last().context("nobody is there")?;
        manager.put_out(number).await?;
        // A page that was just opened.
        witness.come_in_again().await?;
        let first = place.cost(async {
            let Person { browser, vault, .. } = &mut witness.person;
            Ok(witness.desk.look(vault, browser).await?)
        });
        let (_, first) = first.await?;
        let ((), whole) = place.cost(async { Ok(witness.look().await?) }).await?;
        manager.look().await?;
        let ((), carries) = place.cost(carry(manager, (owners, owners))).await?;
        witness.look().await?;
        let ((), opens) = place.cost(carry(witness, (owners, 0))).await?;
        let costs = [first, whole, carries, opens];
        rows.push(
            [owners.to_string()].into_iter().chain(costs.iter().flat_map(Cost::cells)).collect(),
        );
    }
    let heads = [
        "owners",
        "first screen",
        "sent / got",
        "the whole list",
        "sent / got",
        "one carries all over",
        "sent / got",
        "a colleague opens all",
        "sent / got",
    ];
    print("Somebody left, and so many owners had given something", &heads, &rows);
    Ok(())
}

async fn carry(member: &mut Member, (all, waiting): (usize, usize)) -> Result<()> {
    let Person { browser, vault, .. } = &mut member.person;
    while member.desk.renew_some(vault, browser).await? {}
    let done = member.desk.renewal(vault);
    ensure!(done.renewed == all && done.waiting == waiting && done.left == 0, "{done:?}");
    Ok(())
}

//! A colleague whose client was changed, against an honest server: they destroy what they can. What was
//! given stays readable, everybody is told whose doing it was, and the paper begins again.

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{
    vault::{Desk, Standing},
    world::World as _,
};
use reconnect_format::{
    Suite,
    api::{Call, GroupChange, Inside},
    decode,
    id::{Base64, DocumentId, GrantId},
    structure::{Link, RosterTerms, StructureBody, StructureStatement, verify_certificate},
};
use reconnect_tests::{
    dump,
    stage::{Person, Server, bytes},
    team::Member,
};

super::on_both_databases! {
    one_worker_destroys_nothing_that_was_given,
    a_history_that_opens_nothing_is_asked_for_again,
}

async fn reads(member: &mut Member, given: GrantId, id: DocumentId) -> Result<()> {
    member.received().await?;
    ensure!(member.read(given, id).await? == bytes(1, 20_000));
    Ok(())
}

/// What a worker may say of the roster, with a commit, a history and a recovery that open nothing.
async fn destroy(worker: &Member) -> Result<()> {
    let Member { person: Person { vault, browser, .. }, desk } = worker;
    let structure_id = desk.structure_id();
    let chain = vault.known_structure(structure_id).context("never looked")?;
    let roster = chain.roster.clone().context("no roster")?;
    let (sequence, previous) = chain.head();
    let mls_epoch = roster.mls_epoch;
    let terms = RosterTerms { mls_epoch: mls_epoch + 1, tree_hash: [9; 32], ..roster };
    let said = vault.sign_anything(StructureStatement {
        suite: Suite::V1,
        structure_id,
        sequence: sequence + 1,
        previous,
        made_at: browser.now(),
        body: StructureBody::Roster { terms, answers: None },
    });
    let inside = Call::read(format!("/v1/structures/{structure_id}/inside?commits_from=0"));
    let inside = browser.send(&inside, Some(vault.token())).await?;
    let inside: Inside = serde_json::from_slice(&inside.body)?;
    let own = |it: &&Base64| {
        let certificate = verify_certificate(&it.0, chain);
        certificate.is_ok_and(|it| it.body().account_id == vault.account_id())
    };
    let certificate = inside.certificates.iter().find(own).context("no certificate")?;
    let (statement, certificate) = (decode(&said.0)?, decode(&certificate.0)?);
    let link = Link::Member { statement, certificate };
    let change = GroupChange {
        mls_epoch,
        commit: Base64(vec![1; 100]),
        statements: vec![Base64(link.encode())],
        history: Base64(vec![1; 100]),
        recovery: Base64(vec![1; 100]),
        joining: None,
    };
    let call = Call::send(format!("/v1/structures/{structure_id}/commits"), &change);
    browser.ship(call, Some(vault.token())).await?;
    Ok(())
}

async fn one_worker_destroys_nothing_that_was_given(server: Server) -> Result<()> {
    let (mut founder, paper) = Member::accepted(&server).await?;
    let mut worker = founder.admit(server.person().await?, "Paul").await?;
    let mut other = founder.admit(server.person().await?, "Nour").await?;
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", &bytes(1, 20_000)).await?;
    let given = owner.give(founder.desk.structure_id(), &[id]).await?;
    worker.settle().await?;
    destroy(&worker).await?;
    // Nobody is in a group any more; everybody reads, and knows whose change that was.
    for member in [&mut founder, &mut other] {
        for _ in 0..2 {
            member.settle().await?;
            ensure!(member.desk.standing() == Standing::WaitingForColleague);
            ensure!(member.desk.spoiled_by() == Some(2) && member.desk.can_read());
            ensure!(member.received().await?.len() == 1);
            reads(member, given, id).await?;
        }
    }
    // Also over a page that is opened anew.
    let Person { vault, browser, .. } = &mut other.person;
    other.desk = Desk::resume(vault, browser).await?.context("belongs to nothing")?;
    ensure!(other.desk.spoiled_by() == Some(2));
    reads(&mut other, given, id).await?;
    // A browser that has nothing of it begins again with the paper: what others sealed is there.
    let mut back = founder.elsewhere(&server).await?;
    ensure!(!back.desk.can_read());
    let Member { person: Person { vault, browser, .. }, desk } = &mut back;
    desk.begin_again(vault, browser, &paper).await?;
    ensure!(back.desk.standing() == Standing::Member);
    reads(&mut back, given, id).await?;
    back.put_out(2).await?;
    for _ in 0..2 {
        other.settle().await?;
        back.settle().await?;
    }
    ensure!(other.desk.standing() == Standing::Member && other.desk.spoiled_by().is_none());
    let new = owner.give(founder.desk.structure_id(), &[id]).await?;
    for member in [&mut other, &mut back] {
        ensure!(member.received().await?.len() == 2);
        reads(member, new, id).await?;
    }
    Ok(())
}

/// Somebody seals a history that opens nothing with a change that is sound otherwise.
async fn spoil_the_history(server: &Server) -> Result<()> {
    let mut connection = dump::connect(server.config()).await?;
    sqlx::query("update structure set history = $1")
        .bind([1_u8; 100].as_slice())
        .execute(&mut connection)
        .await?;
    Ok(())
}

async fn a_history_that_opens_nothing_is_asked_for_again(server: Server) -> Result<()> {
    let (mut founder, _) = Member::accepted(&server).await?;
    let member = founder.admit(server.person().await?, "Paul").await?;
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", &bytes(1, 20_000)).await?;
    let given = owner.give(founder.desk.structure_id(), &[id]).await?;
    let mut back = member.elsewhere(&server).await?;
    founder.settle().await?;
    spoil_the_history(&server).await?;
    // Who holds the seeds goes on; who comes in now asks again, and commits nothing meanwhile.
    founder.settle().await?;
    ensure!(founder.desk.standing() == Standing::Member && founder.desk.spoiled_by().is_none());
    reads(&mut founder, given, id).await?;
    back.settle().await?;
    ensure!(back.desk.standing() == Standing::WaitingForColleague && !back.desk.can_read());
    ensure!(back.desk.spoiled_by() == Some(1), "{:?}", back.desk.spoiled_by());
    founder.settle().await?;
    back.settle().await?;
    ensure!(back.desk.standing() == Standing::Member && back.desk.spoiled_by().is_none());
    reads(&mut back, given, id).await?;
    Ok(())
}

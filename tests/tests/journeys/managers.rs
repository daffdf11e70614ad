//! Several managers: one adds another, two remove one, one goes by themselves, and the structure's paper
//! helps where they cannot agree; a server that replays, delays or exchanges what they ask for gains
//! nothing.

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{error::Error, vault::Agreed, words::PaperSecret, world::World as _};
use reconnect_format::{
    api::{Call, Inside, Moved, StructureSays},
    id::Base64,
};
use reconnect_tests::{
    browser::Cut,
    stage::{Server, bytes},
    team::Member,
};

super::on_both_databases! {
    one_manager_adds_another_and_both_do_everything,
    two_managers_remove_one_who_then_leaves,
    a_manager_goes_by_themselves_and_never_the_last_one,
    the_paper_replaces_a_manager_where_nothing_else_helps,
    what_a_hostile_server_makes_of_motions_is_worth_nothing,
    a_motion_counts_for_thirty_days,
    who_may_not_say_it_is_refused,
    an_answer_that_was_lost_takes_nothing_with_it,
    two_managers_at_once_both_end_well,
    who_closed_their_safe_or_never_came_back_can_still_leave,
}

/// Three managers, and the structure's paper.
struct Three {
    first: Member,
    second: Member,
    third: Member,
    paper: PaperSecret,
}

impl Three {
    async fn on(server: &Server) -> Result<Self> {
        Box::pin(Self::gather(server)).await
    }

    async fn gather(server: &Server) -> Result<Self> {
        let person = server.person().await?;
        let (mut first, paper) =
            Member::found_with_paper(person, "Accueil de jour", "Lyon").await?;
        server.accept(first.desk.structure_id()).await?;
        let mut second = first.admit(server.person().await?, "Paul").await?;
        let mut third = first.admit(server.person().await?, "Nour").await?;
        first.make_manager(2).await?;
        first.make_manager(3).await?;
        for member in [&mut first, &mut second, &mut third] {
            member.settle().await?;
            ensure!(member.managers() == [1, 2, 3], "{:?}", member.managers());
        }
        Ok(Self { first, second, third, paper })
    }
}

async fn one_manager_adds_another_and_both_do_everything(server: Server) -> Result<()> {
    let person = server.person().await?;
    let mut first = Member::found(person, "Accueil de jour", "Lyon").await?;
    server.accept(first.desk.structure_id()).await?;
    let mut second = first.admit(server.person().await?, "Paul").await?;
    ensure!(second.invite("Nour").await.is_err());
    first.make_manager(2).await?;
    first.make_manager(2).await?;
    second.settle().await?;
    let mut third = second.admit(server.person().await?, "Nour").await?;
    first.settle().await?;
    second.put_out(3).await?;
    third.settle().await?;
    // Neither takes the other's place away alone.
    ensure!(second.put_out(1).await == Err(Error::BadInput));
    // An owner who looks again believes the one who was added.
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", &bytes(1, 20_000)).await?;
    let given = owner.give(first.desk.structure_id(), &[id]).await?;
    for member in [&mut first, &mut second] {
        member.settle().await?;
        ensure!(member.numbers() == [1, 2]);
        ensure!(member.read(given, id).await.is_err(), "not looked at yet");
        ensure!(member.received().await?.len() == 1);
        ensure!(member.read(given, id).await? == bytes(1, 20_000));
    }
    Ok(())
}

async fn two_managers_remove_one_who_then_leaves(server: Server) -> Result<()> {
    let Three { mut first, mut second, mut third, .. } = Three::on(&server).await?;
    ensure!(first.remove_manager(3).await? == Agreed::Waits);
    // Once more is the same, and the third's own word does not count.
    ensure!(first.remove_manager(3).await? == Agreed::Waits);
    ensure!(third.remove_manager(3).await == Err(Error::BadInput), "on themselves");
    second.settle().await?;
    let asked = |member: &Member| {
        let members = member.desk.members(&member.person.vault);
        members.into_iter().find(|it| it.number == 3).and_then(|it| it.asked)
    };
    let seen = asked(&second).context("nothing was asked")?;
    ensure!(seen.by == "Maryam" && !seen.mine);
    ensure!(asked(&first).is_some_and(|it| it.mine));
    ensure!(second.remove_manager(3).await? == Agreed::Done);
    for member in [&mut first, &mut second, &mut third] {
        member.settle().await?;
        ensure!(member.managers() == [1, 2], "{:?}", member.managers());
        ensure!(asked(member).is_none());
    }
    ensure!(third.invite("Zoé").await.is_err());
    ensure!(third.make_manager(3).await == Err(Error::BadInput));
    // They are a member like others now: who they certified stays, and they can leave.
    first.put_out(3).await?;
    third.settle().await?;
    second.settle().await?;
    ensure!(second.numbers() == [1, 2]);
    Ok(())
}

async fn a_manager_goes_by_themselves_and_never_the_last_one(server: Server) -> Result<()> {
    let Three { mut first, mut second, mut third, .. } = Three::on(&server).await?;
    let mut late = first.admit(server.person().await?, "Zoé").await?;
    first.step_down().await?;
    first.step_down().await?;
    ensure!(first.managers() == [2, 3]);
    second.settle().await?;
    second.put_out(1).await?;
    third.settle().await?;
    third.step_down().await?;
    ensure!(second.step_down().await == Err(Error::BadInput), "the last one");
    second.settle().await?;
    ensure!(second.managers() == [2] && second.numbers() == [2, 3, 4]);
    // Whom the first one certified is still there, and reads.
    let mut owner = server.person().await?;
    let id = owner.add("Passeport", &bytes(1, 20_000)).await?;
    owner.give(second.desk.structure_id(), &[id]).await?;
    late.settle().await?;
    ensure!(late.received().await?.len() == 1);
    Ok(())
}

async fn the_paper_replaces_a_manager_where_nothing_else_helps(server: Server) -> Result<()> {
    let person = server.person().await?;
    let (mut first, paper) = Member::found_with_paper(person, "Accueil de jour", "Lyon").await?;
    server.accept(first.desk.structure_id()).await?;
    let mut second = first.admit(server.person().await?, "Paul").await?;
    let other = PaperSecret::generate(&mut second.browser().rng());
    ensure!(second.replace_manager(&other, 1).await == Err(Error::WrongPaper));
    second.replace_manager(&paper, 1).await?;
    second.replace_manager(&paper, 1).await?;
    ensure!(second.managers() == [2]);
    first.settle().await?;
    ensure!(first.invite("Zoé").await.is_err());
    second.put_out(1).await?;
    second.admit(server.person().await?, "Nour").await?;
    Ok(())
}

/// What the server shows to this member.
async fn inside(member: &Member) -> Result<Inside> {
    let path = format!("/v1/structures/{}/inside", member.desk.structure_id());
    let answer = member.browser().send(&Call::read(path), Some(member.token())).await?;
    Ok(serde_json::from_slice(&answer.body)?)
}

/// From now on the server shows this motion, and no other.
fn show(member: &Member, motion: &Base64) {
    let motion = motion.clone();
    member.browser().lie(move |call, body| {
        let Ok(mut inside) = serde_json::from_slice::<Inside>(&body) else { return body };
        if !call.path.contains("/inside") {
            return body;
        }
        inside.motions = vec![motion.clone()];
        serde_json::to_vec(&inside).unwrap_or_default()
    });
}

async fn what_a_hostile_server_makes_of_motions_is_worth_nothing(server: Server) -> Result<()> {
    let Three { mut first, mut second, mut third, .. } = Three::on(&server).await?;
    ensure!(first.remove_manager(3).await? == Agreed::Waits);
    let [motion] = inside(&second).await?.motions.try_into().map_err(|_| anyhow::anyhow!("one"))?;
    // About somebody else: it is not what is agreed to.
    ensure!(third.remove_manager(2).await? == Agreed::Waits);
    show(&third, &motion);
    ensure!(third.remove_manager(1).await? == Agreed::Waits);
    ensure!(third.managers() == [1, 2, 3]);
    // Carried once, it is of before the third was made a manager again.
    ensure!(second.remove_manager(3).await? == Agreed::Done);
    second.make_manager(3).await?;
    show(&second, &motion);
    ensure!(second.remove_manager(3).await? == Agreed::Waits);
    ensure!(second.managers() == [1, 2, 3]);
    // By somebody who is a manager no more.
    let before = inside(&first).await?.motions;
    ensure!(!before.is_empty());
    second.step_down().await?;
    for kept in before {
        show(&first, &kept);
        first.settle().await?;
        let members = first.desk.members(&first.person.vault);
        ensure!(members.iter().all(|it| it.asked.as_ref().is_none_or(|it| it.by != "Paul")));
    }
    Ok(())
}

async fn a_motion_counts_for_thirty_days(server: Server) -> Result<()> {
    let Three { mut first, mut second, .. } = Three::on(&server).await?;
    ensure!(first.remove_manager(3).await? == Agreed::Waits);
    let [motion] = inside(&second).await?.motions.try_into().map_err(|_| anyhow::anyhow!("one"))?;
    server.pass(31).await?;
    second.come_again().await?;
    ensure!(inside(&second).await?.motions.is_empty(), "the sweep took it");
    show(&second, &motion);
    ensure!(second.remove_manager(3).await? == Agreed::Waits, "and it counts no more");
    first.come_again().await?;
    ensure!(first.remove_manager(3).await? == Agreed::Done, "the second has asked by then");
    Ok(())
}

async fn who_may_not_say_it_is_refused(server: Server) -> Result<()> {
    let Three { mut first, mut second, mut third, .. } = Three::on(&server).await?;
    let worker = first.admit(server.person().await?, "Zoé").await?;
    let stranger = server.person().await?;
    ensure!(first.remove_manager(3).await? == Agreed::Waits);
    let [motion] = inside(&second).await?.motions.try_into().map_err(|_| anyhow::anyhow!("one"))?;
    let path = format!("/v1/structures/{}", first.desk.structure_id());
    let torn = Base64(motion.0[1..].to_vec());
    for (token, motion, status) in [
        (first.token(), &motion, 204),
        (second.token(), &motion, 422),
        (third.token(), &motion, 422),
        (worker.token(), &motion, 404),
        (stranger.vault.token(), &motion, 404),
        (first.token(), &torn, 422),
    ] {
        let call = Call::send(format!("{path}/motions"), &Moved { motion: motion.clone() });
        let answer = stranger.browser.send(&call, Some(token)).await?;
        ensure!(answer.status == status, "{} for {status}", answer.status);
    }
    // The second's page signs, and the third's session brings it: it is not theirs to say.
    second.settle().await?;
    second.browser().cut(Cut::OnItsWay, "/statements");
    ensure!(second.remove_manager(3).await == Err(Error::Offline));
    let carried = second.browser().on_its_way().context("nothing was sent")?;
    for (token, status) in [(third.token(), 422), (stranger.vault.token(), 404)] {
        let answer = stranger.browser.send(&carried, Some(token)).await?;
        ensure!(answer.status == status, "{} for {status}", answer.status);
    }
    for statements in [Vec::new(), vec![motion.clone()], vec![torn]] {
        let call = Call::send(format!("{path}/statements"), &StructureSays { statements });
        let answer = stranger.browser.send(&call, Some(first.token())).await?;
        ensure!(answer.status == 422, "{}", answer.status);
    }
    third.settle().await?;
    ensure!(third.managers() == [1, 2, 3]);
    Ok(())
}

async fn an_answer_that_was_lost_takes_nothing_with_it(server: Server) -> Result<()> {
    for when in [Cut::Call, Cut::Answer] {
        let Three { mut first, mut second, mut third, paper } = Three::on(&server).await?;
        first.browser().cut(when, "/motions");
        ensure!(first.remove_manager(3).await == Err(Error::Offline));
        ensure!(first.remove_manager(3).await? == Agreed::Waits);
        second.browser().cut(when, "/statements");
        ensure!(second.remove_manager(3).await == Err(Error::Offline));
        ensure!(second.remove_manager(3).await? == Agreed::Done);
        third.browser().cut(when, "/statements");
        ensure!(third.replace_manager(&paper, 1).await == Err(Error::Offline));
        third.replace_manager(&paper, 1).await?;
        second.settle().await?;
        ensure!(second.managers() == [2, 3] && !second.person.vault.is_copied());
    }
    Ok(())
}

async fn two_managers_at_once_both_end_well(server: Server) -> Result<()> {
    let Three { mut first, mut second, mut third, .. } = Three::on(&server).await?;
    let mut fourth = first.admit(server.person().await?, "Zoé").await?;
    let fifth = first.admit(server.person().await?, "Ali").await?;
    second.settle().await?;
    // The first's statement is on its way while the second takes somebody out.
    first.browser().cut(Cut::OnItsWay, "/statements");
    ensure!(first.make_manager(4).await == Err(Error::Offline));
    second.put_out(5).await?;
    ensure!(first.browser().let_through().await.is_ok(), "it is refused, whoever hears it");
    first.make_manager(4).await?;
    // And the other way round.
    second.browser().cut(Cut::OnItsWay, "/commits");
    ensure!(second.put_out(3).await == Err(Error::BadInput), "a manager");
    first.browser().cut(Cut::OnItsWay, "/commits");
    let late = first.invite_to_join(server.person().await?, "Léa").await?;
    ensure!(first.settle().await == Err(Error::Offline));
    second.step_down().await?;
    ensure!(first.browser().let_through().await.is_ok());
    first.settle().await?;
    fourth.settle().await?;
    third.settle().await?;
    for member in [&first, &fourth, &third] {
        ensure!(member.managers() == [1, 3, 4], "{:?}", member.managers());
        ensure!(member.numbers() == [1, 2, 3, 4, 6], "{:?}", member.numbers());
    }
    drop((late, fifth));
    Ok(())
}

async fn who_closed_their_safe_or_never_came_back_can_still_leave(server: Server) -> Result<()> {
    let Three { mut first, mut second, third, paper } = Three::on(&server).await?;
    let gone = first.admit(server.person().await?, "Zoé").await?;
    gone.person.vault.close_for_good(&gone.person.browser).await.map_err(Error::from)?;
    first.put_out(4).await?;
    ensure!(first.numbers() == [1, 2, 3]);
    // Everybody's browser is cleared, and one of them has left long ago.
    second.settle().await?;
    second.step_down().await?;
    let mut back = third.elsewhere(&server).await?;
    drop((first, third));
    let Member { person, desk } = &mut back;
    desk.begin_again(&mut person.vault, &person.browser, &paper).await?;
    back.put_out(2).await?;
    ensure!(back.numbers() == [1, 3], "{:?}", back.numbers());
    second.settle().await?;
    ensure!(second.desk.standing() == reconnect_core::vault::Standing::Left);
    Ok(())
}

//! Somebody loses everything, and comes back through the guardians whom they named: nobody of these alone, nobody
//! unseen, and nobody before the time.

use anyhow::{Context as _, Result, bail, ensure};
use reconnect_core::{
    error::{Error, Unchecked},
    held::Pin,
    link::LinkCode,
    vault::{
        Comparison, Drawn, Guarded, GuardianStanding, Naming, ReturnSeen, ReturnStands, Returning,
        Vault, Ways, Who,
    },
    words::PaperSecret,
    world::World as _,
};
use reconnect_format::{
    api::{Code, ReturnState},
    guardian::{GuardianName, Manner},
    id::ReturnId,
};
use reconnect_tests::{
    browser::{Browser, Cut},
    stage::{DAY, Person, Server, read, titles},
    team::Member,
};

super::on_both_databases! {
    who_lost_everything_comes_back_through_two_guardians,
    two_structures_that_meet_somebody_shorten_the_wait,
    a_paper_counts_as_one_and_never_alone,
    a_device_stops_a_return_and_the_next_takes_more,
    nobody_is_named_under_a_key_that_is_over,
    no_guardian_holds_others_up,
    people_of_one_place_count_as_one,
    what_ended_long_ago_is_swept,
    a_pin_of_a_return_card_is_tried_ten_times,
    guardians_who_go_are_told_and_keys_that_change_are_split_again,
}

const PIN: &str = "481709";
const WAIT: u64 = 7;

/// An owner with a paper in their safe, two structures that they know, and a friend.
pub(super) struct Village {
    pub(super) owner: Person,
    pub(super) first: Member,
    pub(super) second: Member,
    pub(super) friend: Person,
    paper: PaperSecret,
}

async fn found(server: &Server, name: &str) -> Result<Member> {
    let person = server.person().await?;
    let (mut founder, _) = Box::pin(Member::found_with_paper(person, name, "Lyon")).await?;
    server.accept(founder.desk.structure_id()).await?;
    Box::pin(founder.settle()).await?;
    Ok(founder)
}

impl Village {
    pub(super) async fn on(server: &Server) -> Result<Self> {
        let first = Box::pin(found(server, "Accueil de jour")).await?;
        let second = Box::pin(found(server, "Maison de la Source")).await?;
        let mut owner = server.person().await?;
        owner.add("Passeport", b"mine").await?;
        for structure_id in [first.desk.structure_id(), second.desk.structure_id()] {
            let code = structure_id.code();
            let Person { browser, vault, .. } = &mut owner;
            let compared = vault.compare_structure(browser, structure_id, Comparison::read(&code));
            Box::pin(compared).await?;
        }
        let friend = server.person().await?;
        let paper = PaperSecret::guardian(&mut owner.browser.rng());
        Ok(Self { owner, first, second, friend, paper })
    }

    fn who(&self, which: &str) -> Result<(Who, String)> {
        let who = match which {
            "first" => Who::Structure(self.first.desk.structure_id()),
            "second" => Who::Structure(self.second.desk.structure_id()),
            "friend" => Who::of_address(&self.friend.vault.account_id().deposit_address())?,
            _ => Who::of_paper(&self.paper)?,
        };
        Ok((who, which.to_owned()))
    }

    pub(super) async fn name(&mut self, which: &[&str], needed: u8) -> Result<()> {
        let who = which.iter().map(|which| self.who(which)).collect::<Result<_>>()?;
        self.name_these(who, needed).await
    }

    async fn name_these(&mut self, who: Vec<(Who, String)>, needed: u8) -> Result<()> {
        let naming = Naming {
            who,
            needed,
            wait_seconds: u32::try_from(WAIT * DAY)?,
            short_wait_seconds: u32::try_from(4 * DAY)?,
            signed_as: "Amina D.".to_owned(),
            known_by: "la dame au chien".to_owned(),
        };
        let Person { browser, vault, .. } = &mut self.owner;
        Box::pin(vault.name_guardians(browser, &naming)).await?;
        Ok(())
    }
}

/// Somebody with nothing but a card that was printed just now.
pub(super) struct Lost {
    pub(super) browser: Browser,
    card: PaperSecret,
    pub(super) returning: Returning,
}

impl Lost {
    pub(super) async fn at(server: &Server) -> Result<Self> {
        let browser = server.browser();
        let card = Returning::draw_card(&browser);
        let returning = Returning::begin(&browser, &card, &Pin::choose(PIN)?).await?;
        ensure!(returning.look(&browser, &[]).await?.is_none());
        Ok(Self { browser, card, returning })
    }

    pub(super) fn code(&self) -> Result<LinkCode> {
        Ok(LinkCode::parse(&self.returning.square())?)
    }

    pub(super) async fn look(&self, papers: &[&PaperSecret]) -> Result<ReturnStands> {
        // Days later, on whatever device: card and PIN are all that is left.
        let card = PaperSecret::parse(&self.card.groups().concat())?;
        let again = Returning::begin(&self.browser, &card, &Pin::parse(PIN)?).await?;
        again.look(&self.browser, papers).await?.context("nobody began a return")
    }

    /// Opens the safe with what guardians sealed, and begins a new generation.
    pub(super) async fn enter(
        &self,
        stands: &ReturnStands,
        papers: &[&PaperSecret],
    ) -> Result<Vault> {
        let entered = self.returning.enter(&self.browser, stands, papers, true);
        let vault = Box::pin(entered).await?;
        let drawn = Drawn::draw_again(&vault, &mut self.browser.rng());
        let ways = Ways::on_paper();
        let begun = vault.begin_generation(&self.browser, &drawn, &ways);
        Ok(Box::pin(begun).await.map_err(|stayed| stayed.error)?)
    }
}

/// Under whatever configuration the return was begun that a screen shows.
fn begun_for(all: Vec<Guarded>, code: &LinkCode) -> Result<Guarded, Error> {
    all.into_iter().find(|it| it.open_return(code).is_some()).ok_or(Error::NotFound)
}

/// Those for whom somebody is a guardian, and not those alone whom they were one for.
pub(super) fn now(all: Vec<Guarded>) -> Vec<Guarded> {
    all.into_iter().filter(|it| it.ended_at.is_none()).collect()
}

pub(super) fn only<T>(mut all: Vec<T>) -> Result<T> {
    ensure!(all.len() == 1, "{} instead of one", all.len());
    all.pop().context("none")
}

/// Whoever vouches waits until the log has the return: it is asked again as the page does.
pub(super) async fn vouch_as_friend(
    friend: &mut Person,
    lost: &Lost,
    manner: Manner,
) -> Result<(), Error> {
    let code = LinkCode::parse(&lost.returning.square())?;
    // Days may have passed since their session.
    friend.vault = Box::pin(friend.with_sheet(&friend.browser, true)).await?;
    for _ in 0..200 {
        let Person { browser, vault, .. } = friend;
        let guarded = begun_for(vault.guarding(browser).await?, &code)?;
        let open = guarded.open_return(&code).ok_or(Error::NotFound)?;
        match vault.vouch(browser, (&guarded, open), &code, manner).await {
            Err(Error::Unchecked(Unchecked::Behind)) => nap().await,
            other => return other,
        }
    }
    Err(Error::Offline)
}

pub(super) async fn vouch_as_member(
    member: &mut Member,
    lost: &Lost,
    manner: Manner,
) -> Result<()> {
    let code = LinkCode::parse(&lost.returning.square())?;
    member.come_again().await?;
    for _ in 0..200 {
        let Member { person: Person { browser, vault, .. }, desk } = member;
        let guarded = begun_for(desk.guarding(vault, browser).await?, &code)?;
        let open = guarded.open_return(&code).ok_or(Error::NotFound)?;
        match desk.vouch(vault, browser, (&guarded, open), (&code, manner)).await {
            Err(Error::Unchecked(Unchecked::Behind)) => nap().await,
            other => return Ok(other?),
        }
    }
    bail!("the log never had it")
}

pub(super) async fn begin_at(member: &mut Member, lost: &Lost) -> Result<ReturnId> {
    member.come_again().await?;
    let Member { person: Person { browser, vault, .. }, desk } = member;
    let guarded = desk.guarding(vault, browser).await?;
    // Whom others were named in the place of: those who are there overrule.
    let guarded = only(now(guarded))?;
    ensure!(guarded.signed_as() == "Amina D." && guarded.known_by() == "la dame au chien");
    Ok(desk.begin_return(vault, browser, &guarded, &lost.code()?).await?)
}

async fn begin_as_friend(friend: &mut Person, lost: &Lost) -> Result<ReturnId> {
    let Person { browser, vault, .. } = friend;
    let guarded = only(now(vault.guarding(browser).await?))?;
    Ok(vault.begin_return(browser, &guarded, &lost.code()?).await?)
}

fn address_of(person: &Person) -> Result<(Who, String)> {
    Ok((Who::of_address(&person.vault.account_id().deposit_address())?, String::new()))
}

async fn nap() {
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
}

/// What a device of this owner's is told of returns.
pub(super) async fn told(owner: &mut Person) -> Result<Vec<ReturnSeen>> {
    owner.vault = Box::pin(owner.with_sheet(&owner.browser, true)).await?;
    let Person { browser, vault, .. } = owner;
    vault.sync(browser).await?;
    let returns = vault.returns(browser).await?;
    ensure!(returns.unsound == 0 && returns.is_hidden == Some(false), "{:?}", returns.is_hidden);
    Ok(returns.seen)
}

pub(super) fn is_refused<T: std::fmt::Debug>(outcome: &Result<T, Error>, code: Code) -> bool {
    matches!(outcome, Err(Error::Refused(problem)) if problem.code == code)
}

async fn who_lost_everything_comes_back_through_two_guardians(server: Server) -> Result<()> {
    let mut village = Box::pin(Village::on(&server)).await?;
    village.name(&["first", "second", "friend"], 2).await?;
    let lost = Lost::at(&server).await?;
    let begun = begin_at(&mut village.first, &lost).await?;
    let seen = only(told(&mut village.owner).await?)?;
    ensure!(seen.return_id == begun && seen.state == ReturnState::Open && !seen.is_strict);
    // One guardian is not enough, however long it takes.
    vouch_as_member(&mut village.first, &lost, Manner::FaceToFace).await?;
    server.pass(WAIT + 1).await?;
    ensure!(!lost.look(&[]).await?.is_ready);
    vouch_as_friend(&mut village.friend, &lost, Manner::FromAfar).await?;
    let stands = lost.look(&[]).await?;
    ensure!(stands.is_ready, "two guardians and a week");
    ensure!(stands.seen.vouches.iter().map(|it| it.0).collect::<Vec<_>>() == [1, 3]);
    let back = lost.enter(&stands, &[]).await?;
    ensure!(titles(&back) == ["Passeport"]);
    let passport = back.manifest().documents().next().context("no paper")?.0;
    ensure!(read(&back, &lost.browser, passport).await? == b"mine");
    // Whatever was lost opens nothing any more, and the return is over.
    let stolen = village.owner.vault.sync(&village.owner.browser).await;
    ensure!(is_refused(&stolen, Code::SessionEnded), "{stolen:?}");
    let Person { browser, vault, .. } = &mut village.friend;
    ensure!(now(vault.guarding(browser).await?).len() == 1, "they are guardians again");
    let again = lost.returning.look(&lost.browser, &[]).await.map(drop);
    ensure!(is_refused(&again, Code::ReturnOver), "{again:?}");
    Ok(())
}

async fn two_structures_that_meet_somebody_shorten_the_wait(server: Server) -> Result<()> {
    let mut village = Box::pin(Village::on(&server)).await?;
    village.name(&["first", "second", "friend"], 2).await?;
    let lost = Lost::at(&server).await?;
    begin_at(&mut village.first, &lost).await?;
    vouch_as_member(&mut village.first, &lost, Manner::FaceToFace).await?;
    vouch_as_member(&mut village.second, &lost, Manner::FaceToFace).await?;
    server.pass(3).await?;
    ensure!(!lost.look(&[]).await?.is_ready, "before the short wait is over");
    server.pass(1).await?;
    let stands = lost.look(&[]).await?;
    ensure!(stands.is_ready && stands.ready_at() == stands.seen.began_at + 4 * DAY);
    lost.enter(&stands, &[]).await?;
    Ok(())
}

async fn a_paper_counts_as_one_and_never_alone(server: Server) -> Result<()> {
    let mut village = Box::pin(Village::on(&server)).await?;
    let two_papers = village.name(&["paper", "friend"], 1).await;
    ensure!(two_papers.is_err(), "one alone is enough");
    village.name(&["first", "paper", "friend"], 2).await?;
    let lost = Lost::at(&server).await?;
    begin_at(&mut village.first, &lost).await?;
    server.pass(WAIT).await?;
    ensure!(!lost.look(&[&village.paper]).await?.is_ready, "a paper alone is enough");
    vouch_as_member(&mut village.first, &lost, Manner::FaceToFace).await?;
    ensure!(!lost.look(&[]).await?.is_ready);
    let stranger = PaperSecret::guardian(&mut lost.browser.rng());
    let wrong = lost.returning.look(&lost.browser, &[&stranger]).await.map(drop);
    ensure!(is_refused(&wrong, Code::WrongHeld), "{wrong:?}");
    let stands = lost.look(&[&village.paper]).await?;
    ensure!(stands.is_ready);
    let back = lost.enter(&stands, &[&village.paper]).await?;
    ensure!(titles(&back) == ["Passeport"]);
    Ok(())
}

async fn a_device_stops_a_return_and_the_next_takes_more(server: Server) -> Result<()> {
    let mut village = Box::pin(Village::on(&server)).await?;
    village.name(&["first", "second", "friend"], 2).await?;
    let lost = Lost::at(&server).await?;
    begin_at(&mut village.first, &lost).await?;
    vouch_as_member(&mut village.first, &lost, Manner::FromAfar).await?;
    let seen = only(told(&mut village.owner).await?)?;
    {
        let Person { browser, vault, .. } = &mut village.owner;
        vault.stop_return(browser, seen.return_id).await?;
        let again = vault.stop_return(browser, seen.return_id).await;
        ensure!(again.is_err(), "a return was stopped twice");
    }
    let late = vouch_as_friend(&mut village.friend, &lost, Manner::FaceToFace).await;
    ensure!(late == Err(Error::NotFound), "{late:?}");
    server.pass(WAIT).await?;
    ensure!(lost.look(&[]).await?.seen.state == ReturnState::Stopped);

    // Another one, soon after: no device stops it, and it takes everybody, or two structures face to face.
    let lost = Lost::at(&server).await?;
    begin_at(&mut village.second, &lost).await?;
    let seen = told(&mut village.owner).await?.pop().context("nobody was told")?;
    ensure!(seen.is_strict && seen.state == ReturnState::Open);
    let Person { browser, vault, .. } = &mut village.owner;
    let stopped = vault.stop_return(browser, seen.return_id).await;
    ensure!(is_refused(&stopped, Code::ReturnStrict), "{stopped:?}");
    vouch_as_member(&mut village.second, &lost, Manner::FaceToFace).await?;
    vouch_as_friend(&mut village.friend, &lost, Manner::FaceToFace).await?;
    server.pass(15).await?;
    ensure!(!lost.look(&[]).await?.is_ready, "two were enough, of which one is a friend");
    vouch_as_member(&mut village.first, &lost, Manner::FaceToFace).await?;
    let stands = lost.look(&[]).await?;
    ensure!(stands.is_ready);
    lost.enter(&stands, &[]).await?;
    Ok(())
}

async fn nobody_is_named_under_a_key_that_is_over(server: Server) -> Result<()> {
    let mut village = Box::pin(Village::on(&server)).await?;
    let paul = Box::pin(village.first.admit(server.person().await?, "Paul")).await?;
    village.name(&["first", "second"], 2).await?;
    for _ in 0..2 {
        village.owner.browser.cut(Cut::OnItsWay, "/v1/statements");
    }
    let lost = village.name(&["first", "second", "friend"], 2).await;
    ensure!(lost.is_err(), "it arrived");
    let carried = village.owner.browser.on_its_way().context("nothing was sent")?;
    let number = paul.desk.number(&paul.person.vault).context("no number")?;
    Box::pin(village.first.put_out(number)).await?;
    // Paul could have kept what opens it.
    let token = village.owner.vault.token();
    let late = village.owner.browser.send(&carried, Some(token)).await?;
    ensure!(late.status == 409, "{}", late.status);
    village.name(&["first", "second", "friend"], 2).await?;
    let (_, named) = village.owner.vault.manifest().guardians().context("nobody is named")?;
    let newest = matches!(named.guardians[0].name, GuardianName::Structure { epoch: 2, .. });
    ensure!(newest, "{:?}", named.guardians[0].name);
    Ok(())
}

async fn no_guardian_holds_others_up(server: Server) -> Result<()> {
    let mut village = Box::pin(Village::on(&server)).await?;
    village.name(&["first", "second", "friend"], 2).await?;
    let impostor = Lost::at(&server).await?;
    let wrong = begin_at(&mut village.first, &impostor).await?;
    let twice = begin_at(&mut village.first, &Lost::at(&server).await?).await;
    ensure!(twice.is_err(), "one guardian began two at a time");
    // Another guardian is not kept waiting by that, and the owner stops the one without the other.
    let lost = Lost::at(&server).await?;
    let right = begin_at(&mut village.second, &lost).await?;
    vouch_as_member(&mut village.second, &lost, Manner::FaceToFace).await?;
    let seen = told(&mut village.owner).await?;
    ensure!(seen.len() == 2 && seen.iter().all(|it| it.count == 1 && !it.is_strict));
    let Person { browser, vault, .. } = &mut village.owner;
    vault.stop_return(browser, wrong).await?;
    let state = async |owner: &mut Person, return_id| -> Result<ReturnState> {
        let seen = told(owner).await?.into_iter().find(|it| it.return_id == return_id);
        Ok(seen.context("not told")?.state)
    };
    ensure!(state(&mut village.owner, wrong).await? == ReturnState::Stopped);
    ensure!(state(&mut village.owner, right).await? == ReturnState::Open);
    // A guardian ends what they began, and nobody else does; it is counted all the same.
    let friend = &mut village.friend;
    let others = friend.vault.cancel_return(&friend.browser, right).await;
    ensure!(is_refused(&others, Code::NotFound), "{others:?}");
    let mistake = Lost::at(&server).await?;
    let begun = begin_as_friend(friend, &mistake).await?;
    friend.vault.cancel_return(&friend.browser, begun).await?;
    friend.vault.cancel_return(&friend.browser, begun).await?;
    ensure!(state(&mut village.owner, begun).await? == ReturnState::Over);
    ensure!(state(&mut village.owner, right).await? == ReturnState::Open);
    let again = begin_as_friend(&mut village.friend, &Lost::at(&server).await?).await?;
    let seen = told(&mut village.owner).await?;
    let again = seen.iter().find(|it| it.return_id == again).context("not told")?;
    ensure!(again.count == 2 && again.is_strict, "a stop was forgotten");
    // Under other guardians it is counted on, so that the log's marks stay those of one guardian.
    village.friend.vault.cancel_return(&village.friend.browser, again.return_id).await?;
    village.name(&["friend", "second"], 2).await?;
    let third = begin_as_friend(&mut village.friend, &Lost::at(&server).await?).await?;
    let seen = told(&mut village.owner).await?;
    let third = seen.iter().find(|it| it.return_id == third).context("not told")?;
    ensure!(third.count == 3, "counted anew under other guardians");
    Ok(())
}

async fn people_of_one_place_count_as_one(server: Server) -> Result<()> {
    let mut village = Box::pin(Village::on(&server)).await?;
    let mut paul = Box::pin(village.second.admit(server.person().await?, "Paul")).await?;
    // The second structure is nobody's guardian: two of its people are.
    let who = vec![
        address_of(&village.second.person)?,
        address_of(&paul.person)?,
        village.who("first")?,
        village.who("friend")?,
    ];
    village.name_these(who, 2).await?;
    let lost = Lost::at(&server).await?;
    begin_as_friend(&mut paul.person, &lost).await?;
    vouch_as_friend(&mut paul.person, &lost, Manner::FaceToFace).await?;
    vouch_as_friend(&mut village.second.person, &lost, Manner::FaceToFace).await?;
    // What was so when they vouched stays so.
    village.second.come_again().await?;
    let number = paul.desk.number(&paul.person.vault).context("no number")?;
    Box::pin(village.second.put_out(number)).await?;
    server.pass(WAIT + 1).await?;
    let stands = lost.look(&[]).await?;
    ensure!(stands.seen.vouches.len() == 2 && !stands.is_ready, "two of one place were two");
    vouch_as_friend(&mut village.friend, &lost, Manner::FromAfar).await?;
    // Tried again it is the same vouch, whatever is said with it.
    vouch_as_friend(&mut village.friend, &lost, Manner::FaceToFace).await?;
    let stands = lost.look(&[]).await?;
    ensure!(stands.seen.vouches.last().is_some_and(|it| it.1 == Manner::FromAfar));
    ensure!(stands.is_ready);
    lost.enter(&stands, &[]).await?;
    Ok(())
}

async fn what_ended_long_ago_is_swept(server: Server) -> Result<()> {
    let mut village = Box::pin(Village::on(&server)).await?;
    village.name(&["first", "second", "friend"], 2).await?;
    let lost = Lost::at(&server).await?;
    begin_as_friend(&mut village.friend, &lost).await?;
    vouch_as_friend(&mut village.friend, &lost, Manner::FromAfar).await?;
    // Nobody came, and nobody stopped it: it ends by itself, and its vouches go 90 days later.
    server.pass(61).await?;
    server.app().sweep().await?;
    let seen = only(told(&mut village.owner).await?)?;
    ensure!(seen.state == ReturnState::Over && seen.vouches.len() == 1);
    server.pass(91).await?;
    server.app().sweep().await?;
    // The return stays as long as its generation, whose marks the log has.
    ensure!(only(told(&mut village.owner).await?)?.vouches.is_empty());
    let mut owner = Box::pin(village.owner.begin_generation()).await?;
    // Its guardians might have overruled that for a while.
    ensure!(only(told(&mut owner).await?)?.state == ReturnState::Over);
    server.pass(183).await?;
    ensure!(told(&mut owner).await?.is_empty());
    Ok(())
}

async fn a_pin_of_a_return_card_is_tried_ten_times(server: Server) -> Result<()> {
    let mut village = Box::pin(Village::on(&server)).await?;
    village.name(&["first", "second"], 2).await?;
    let lost = Lost::at(&server).await?;
    begin_at(&mut village.first, &lost).await?;
    let wrong = Returning::begin(&lost.browser, &lost.card, &Pin::parse("940271")?).await?;
    for left in (0..10).rev() {
        let looked = wrong.look(&lost.browser, &[]).await.map(drop);
        ensure!(looked == Err(Error::WrongPin(left)), "{looked:?}");
    }
    ensure!(lost.look(&[]).await?.seen.state == ReturnState::Over);
    // It is begun again with another card.
    let lost = Lost::at(&server).await?;
    begin_at(&mut village.first, &lost).await?;
    ensure!(lost.look(&[]).await?.seen.count == 2);
    Ok(())
}

async fn guardians_who_go_are_told_and_keys_that_change_are_split_again(
    server: Server,
) -> Result<()> {
    let mut village = Box::pin(Village::on(&server)).await?;
    let mut paul = Box::pin(village.first.admit(server.person().await?, "Paul")).await?;
    village.name(&["first", "second", "friend"], 2).await?;
    let Person { browser, vault, .. } = &mut village.owner;
    ensure!(!Box::pin(vault.split_again(browser)).await?, "nothing had changed");
    let named = vault.guardians(browser).await?.context("nobody")?;
    ensure!(named.left() == 3 && named.guardians[2].label == "friend");
    // Somebody leaves the first structure: what they could have kept is of no use after the next visit.
    let number = paul.desk.number(&paul.person.vault).context("no number")?;
    Box::pin(village.first.put_out(number)).await?;
    let seen = paul.desk.guarding(&mut paul.person.vault, &paul.person.browser).await.map(drop);
    ensure!(is_refused(&seen, Code::NotFound), "{seen:?}");
    ensure!(Box::pin(vault.split_again(browser)).await?, "nothing was split again");
    let again = vault.guardians(browser).await?.context("nobody")?;
    ensure!(again.lock_id != named.lock_id && again.terms.held != named.terms.held);
    // So is what was split for another generation.
    let drawn = Drawn::draw_again(vault, &mut browser.rng());
    let owner = village.owner;
    let ways = Ways::on_paper();
    let begun = owner.vault.begin_generation(&owner.browser, &drawn, &ways);
    let mut vault = Box::pin(begun).await.map_err(|stayed| stayed.error)?;
    let browser = &owner.browser;
    let third = vault.guardians(browser).await?.context("nobody after a new generation")?;
    ensure!(third.lock_id != again.lock_id && third.left() == 3);
    ensure!(vault.manifest().guardians().map(|it| it.0) == Some(third.lock_id));
    // A friend does not want to be one any more.
    let friend = &mut village.friend;
    let guarded = only(now(friend.vault.guarding(&friend.browser).await?))?;
    friend.vault.resign(&friend.browser, &guarded).await?;
    ensure!(friend.vault.guarding(&friend.browser).await?.is_empty());
    let told = vault.guardians(browser).await?.context("nobody")?;
    ensure!(told.left() == 2 && told.guardians[2].standing == GuardianStanding::Resigned);
    // And nobody is asked for nothing.
    vault.dismiss_guardians(browser).await?;
    ensure!(vault.guardians(browser).await?.is_none());
    let Member { person, desk } = &mut village.second;
    if !now(desk.guarding(&mut person.vault, &person.browser).await?).is_empty() {
        bail!("a guardian of nobody");
    }
    Ok(())
}

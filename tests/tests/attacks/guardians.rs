//! Somebody wants to come back in another's place, or keeps back that somebody does.

use anyhow::{Context as _, Result, ensure};
use reconnect_core::{
    error::Error,
    grant::GrantSecret,
    guardian::{RecoveryKey, ReturnKeys, wrap_share},
    held::Pin,
    link::LinkCode,
    place::LogPlace,
    secret::PlaceOpening,
    vault::{Comparison, Guarded, Naming, ReturnStands, Returning, Who},
    world::World as _,
};
use reconnect_format::{
    Suite, Unverified,
    account::AccountKeys,
    api::{
        Call, GuardedBy, GuardiansSeen, Guarding, LinkShown, OwnerKeys, PutLink, ShareShown, Sync,
    },
    decode,
    guardian::{ByGuardian, GuardianName, Manner, Vouch, WAIT_MIN_SECONDS},
    id::{AccountId, Base64, ReturnId},
    statement::{KeysProof, Statement},
    structure::{Certificate, Role},
};
use reconnect_tests::{
    browser::Browser,
    stage::{Database, Person, Server},
    team::Member,
};

use crate::{
    giving::works_on,
    lies::lie,
    mallory::Somebody,
    pair::{Outcome, pairs},
};

pairs! {
    another_offer_for_somebody_who_comes_back: "forged" without [ReturnOffer];
    another_offer_for_a_return_that_was_begun: "link_misread" without [ReturnOffer];
    a_return_that_the_log_does_not_have: "log_behind" without [ReturnLogged];
    a_return_kept_from_its_owner: passed_over without [ReturnShown];
    a_return_through_guardians_of_before: passed_over without [ReturnShown];
    a_share_that_was_changed: "bad_share" without [ShareCommitment];
    a_vouch_in_a_structures_name: passed_over without [GuardianCertificate];
    guardians_who_do_not_wait: "not_found" without [ReturnWait];
    two_people_of_one_place: "not_found" without [OnePlace];
    a_guardian_whom_the_owner_replaced: "withheld" without [GuardiansNamed];
}

const PIN: &str = "481709";

/// An owner whose guardians are two friends, and somebody with a return card.
struct Play {
    server: Server,
    owner: Person,
    friends: [Person; 2],
    desk: Browser,
    returning: Returning,
}

/// Two friends, of whom both are needed.
pub(crate) fn naming(friends: [&Person; 2]) -> Result<Naming, Error> {
    let mut who = Vec::new();
    for friend in friends {
        let address = friend.vault.account_id().deposit_address();
        who.push((Who::of_address(&address)?, String::new()));
    }
    Ok(Naming {
        who,
        needed: 2,
        wait_seconds: WAIT_MIN_SECONDS,
        short_wait_seconds: WAIT_MIN_SECONDS,
        signed_as: "Amina D.".to_owned(),
        known_by: String::new(),
    })
}

impl Play {
    async fn set() -> Result<Self> {
        let server = Server::on(Database::Sqlite).await?;
        let friends = [server.person().await?, server.person().await?];
        Box::pin(Self::between(server, friends)).await
    }

    async fn between(server: Server, friends: [Person; 2]) -> Result<Self> {
        let mut owner = server.person().await?;
        owner.add("Passeport", b"passport").await?;
        let naming = naming(friends.each_ref())?;
        Box::pin(owner.vault.name_guardians(&owner.browser, &naming)).await?;
        let desk = server.browser();
        let card = Returning::draw_card(&desk);
        let returning = Returning::begin(&desk, &card, &Pin::choose(PIN)?).await?;
        ensure!(returning.look(&desk, &[]).await?.is_none());
        Ok(Self { server, owner, friends, desk, returning })
    }

    fn code(&self) -> Result<LinkCode> {
        Ok(LinkCode::parse(&self.returning.square())?)
    }

    async fn begin(&mut self) -> Result<ReturnId, Error> {
        let code = self.code().map_err(|_| Error::LinkMisread)?;
        let Person { browser, vault, .. } = &mut self.friends[0];
        let guarded = vault.guarding(browser).await?.pop().ok_or(Error::NotFound)?;
        vault.begin_return(browser, &guarded, &code).await
    }

    async fn vouch(&mut self, friend: usize, code: &LinkCode) -> Result<(), Error> {
        let Person { browser, vault, .. } = &mut self.friends[friend];
        let guarded = vault.guarding(browser).await?.pop().ok_or(Error::NotFound)?;
        let open = guarded.returns.last().ok_or(Error::NotFound)?;
        vault.vouch(browser, (&guarded, open), code, Manner::FaceToFace).await
    }

    /// Begun, in the log, and vouched for by both.
    async fn vouched(&mut self) -> Result<()> {
        self.begin().await?;
        self.server.app().publish().await?;
        let code = self.code()?;
        for friend in [0, 1] {
            self.vouch(friend, &code).await?;
        }
        Ok(())
    }

    async fn look(&self) -> Result<ReturnStands> {
        self.returning.look(&self.desk, &[]).await?.context("nobody began it")
    }

    async fn done(mut self, outcome: Outcome) -> Result<Outcome> {
        let Person { browser, .. } = &self.owner;
        browser.hear_the_truth();
        // Nobody else writes for some minutes after somebody came back; and days may have passed since their session.
        self.server.clock().advance(600);
        self.owner.vault = Box::pin(self.owner.with_sheet(browser, true)).await?;
        works_on(&mut self.owner).await?;
        Ok(outcome)
    }
}

/// What somebody else offers, who wants to be let in instead.
async fn offered(server: &Server) -> Result<(ReturnKeys, LinkCode, Base64)> {
    let thief = server.browser();
    let card = ReturnKeys::draw(&mut thief.rng());
    let pin = Pin::choose(PIN)?;
    let returning = Returning::begin(&thief, &card, &pin).await?;
    returning.look(&thief, &[]).await?;
    let sent = {
        let recording = server.recording().borrow();
        let last = recording.iter().rfind(|it| it.head.starts_with("POST /v1/links "));
        serde_json::from_slice::<PutLink>(&last.context("nothing was offered")?.sent)?
    };
    Ok((ReturnKeys::derive(&card, &pin)?, LinkCode::parse(&returning.square())?, sent.offer))
}

/// The server shows the guardian keys of its own in place of those of the person who stands there.
async fn another_offer_for_somebody_who_comes_back() -> Result<Outcome> {
    let mut play = Box::pin(Play::set()).await?;
    let (_, _, theirs) = offered(&play.server).await?;
    let shown = theirs.clone();
    lie(&play.friends[0].browser, "/v1/links/", move |_, answer: &mut LinkShown| {
        answer.offer = shown.clone();
    });
    let outcome = match play.begin().await {
        Err(error) => Outcome::Stopped(error),
        Ok(_) => Outcome::Succeeded,
    };
    Box::pin(play.done(outcome)).await
}

/// A return was begun for the person; the guardian who vouches is shown other keys than those of its offer.
async fn another_offer_for_a_return_that_was_begun() -> Result<Outcome> {
    let mut play = Box::pin(Play::set()).await?;
    let return_id = play.begin().await?;
    play.server.app().publish().await?;
    let (keys, _, theirs) = offered(&play.server).await?;
    lie(&play.friends[0].browser, "/share", move |_, answer: &mut ShareShown| {
        answer.offer = theirs.clone();
    });
    let code = play.code()?;
    let outcome = if let Err(error) = play.vouch(0, &code).await {
        Outcome::Stopped(error)
    } else {
        let guarded = only_guarded(&mut play.friends[1]).await?;
        let sealed = sealed_by(&play.server)?;
        let lock = (guarded.lock_id, &guarded.guardians);
        keys.open_vouched(&sealed, return_id, lock, 1)?;
        Outcome::Succeeded
    };
    Box::pin(play.done(outcome)).await
}

async fn only_guarded(friend: &mut Person) -> Result<Guarded> {
    friend.vault.guarding(&friend.browser).await?.pop().context("a guardian of nobody")
}

/// What the last vouch sealed.
fn sealed_by(server: &Server) -> Result<Vec<u8>> {
    let recording = server.recording().borrow();
    let last = recording.iter().rfind(|it| it.head.contains("/vouches "));
    let given: reconnect_format::api::GiveVouch =
        serde_json::from_slice(&last.context("nobody vouched")?.sent)?;
    Ok(given.sealed.0)
}

/// Whoever runs the server lets a return begin that never comes into the log, where the owner would see it.
async fn a_return_that_the_log_does_not_have() -> Result<Outcome> {
    let mut play = Box::pin(Play::set()).await?;
    play.server.app().publish().await?;
    play.server.hold_log(true);
    play.begin().await?;
    let code = play.code()?;
    let outcome = match play.vouch(0, &code).await {
        Err(error) => Outcome::Stopped(error),
        Ok(()) => Outcome::Succeeded,
    };
    play.server.hold_log(false);
    Box::pin(play.done(outcome)).await
}

/// The return is in the log, since guardians ask; the owner's devices are told nothing of it.
async fn a_return_kept_from_its_owner() -> Result<Outcome> {
    let mut play = Box::pin(Play::set()).await?;
    play.begin().await?;
    play.server.app().publish().await?;
    let outcome = kept_back(&mut play).await?;
    Box::pin(play.done(outcome)).await
}

/// A server that kept what was wrapped to earlier guardians of this generation lets them begin: what they hold opens
/// the safe still.
async fn a_return_through_guardians_of_before() -> Result<Outcome> {
    let mut play = Box::pin(Play::set()).await?;
    play.begin().await?;
    play.server.app().publish().await?;
    let third = play.server.person().await?;
    let naming = naming([&play.friends[1], &third])?;
    let Person { browser, vault, .. } = &mut play.owner;
    Box::pin(vault.name_guardians(browser, &naming)).await?;
    let outcome = kept_back(&mut play).await?;
    Box::pin(play.done(outcome)).await
}

async fn kept_back(play: &mut Play) -> Result<Outcome> {
    lie(&play.owner.browser, "/v1/sync", |_, sync: &mut Sync| sync.returns.clear());
    let Person { browser, vault, .. } = &mut play.owner;
    vault.sync(browser).await?;
    let returns = vault.returns(browser).await?;
    ensure!(returns.seen.is_empty());
    // The page says that one was kept back.
    Ok(match returns.is_hidden {
        Some(true) => Outcome::PassedOver,
        _ => Outcome::Succeeded,
    })
}

/// The server shows the owner's device the guardians of before as those that are named now: they would be split to again.
async fn a_guardian_whom_the_owner_replaced() -> Result<Outcome> {
    let mut play = Box::pin(Play::set()).await?;
    let Person { browser, vault, .. } = &play.owner;
    let before = browser.ship(Call::read("/v1/guardians"), Some(vault.token())).await?;
    let before: GuardiansSeen = serde_json::from_slice(&before)?;
    let third = play.server.person().await?;
    let naming = naming([&play.friends[1], &third])?;
    let Person { browser, vault, .. } = &mut play.owner;
    Box::pin(vault.name_guardians(browser, &naming)).await?;
    lie(browser, "/v1/guardians", move |_, shown: &mut GuardiansSeen| *shown = before.clone());
    let outcome = if let Err(error) = Box::pin(vault.split_again(browser)).await {
        Outcome::Stopped(error)
    } else {
        let named = vault.manifest().guardians().context("nobody is named")?.1;
        let again = play.friends[0].vault.account_id();
        let is_named = named.guardians.iter().any(
            |it| matches!(it.name, GuardianName::Account { account_id, .. } if account_id == again),
        );
        ensure!(is_named, "nobody of before");
        Outcome::Succeeded
    };
    Box::pin(play.done(outcome)).await
}

async fn keys_of(owner: &Person, account_id: AccountId) -> Result<OwnerKeys> {
    let call = Call::read(format!("/v1/owners/{account_id}"));
    Ok(serde_json::from_slice(&owner.browser.ship(call, Some(owner.vault.token())).await?)?)
}

/// Whoever runs the server gives a guardian another share than the owner split: the safe would never open, and nobody
/// would know whose it was.
async fn a_share_that_was_changed() -> Result<Outcome> {
    let mut play = Box::pin(Play::set()).await?;
    play.begin().await?;
    play.server.app().publish().await?;
    let friend = &play.friends[1];
    let keys: OwnerKeys = keys_of(&play.owner, friend.vault.account_id()).await?;
    let keys: AccountKeys = decode(&keys.keys.0)?;
    let guarding = Call::read("/v1/guarding");
    let shown = friend.browser.ship(guarding, Some(friend.vault.token())).await?;
    let shown: Guarding = serde_json::from_slice(&shown)?;
    let shown = shown.guarded.first().context("a guardian of nobody")?;
    let proven = decode::<KeysProof>(&shown.keys.0)?.verify()?;
    let named =
        Unverified::<Statement>::decode(&shown.statement.0)?.verify(&proven.keys.signing)?;
    let mut rng = play.desk.rng();
    let mine = RecoveryKey::generate(&mut rng).split(2, 2, &mut rng)?;
    let (place, _) = LogPlace::generate(play.owner.vault.account_id(), &mut rng);
    let words = GrantSecret::generate("Amina D.", "", &place, &mut rng)?;
    let opening = PlaceOpening::generate(&mut rng);
    let face = (words.face(), &opening);
    let wrap = wrap_share(&mine[1], face, named.hash(), &keys.recipient, &mut rng)?;
    lie(&friend.browser, "/share", move |_, answer: &mut ShareShown| {
        answer.wrap = Base64(wrap.clone());
    });
    let code = play.code()?;
    let outcome = match play.vouch(1, &code).await {
        Err(error) => {
            ensure!(error == Error::BadShare(2), "{error}");
            Outcome::Stopped(error)
        }
        Ok(()) => Outcome::Succeeded,
    };
    Box::pin(play.done(outcome)).await
}

/// Two guardians who are of one mind open the safe at once, before its owner hears of it.
async fn guardians_who_do_not_wait() -> Result<Outcome> {
    let mut play = Box::pin(Play::set()).await?;
    play.vouched().await?;
    let stands = play.look().await?;
    let entered = Box::pin(play.returning.enter(&play.desk, &stands, &[], false)).await;
    let outcome = match entered.map(drop) {
        Err(error) => Outcome::Stopped(error),
        Ok(()) => Outcome::Succeeded,
    };
    Box::pin(play.done(outcome)).await
}

/// Whoever runs the server vouches for somebody in the name of a structure, with a certificate of their own: the
/// person's other guardians would think that the structure met them.
async fn a_vouch_in_a_structures_name() -> Result<Outcome> {
    let server = Server::on(Database::Sqlite).await?;
    let founder = server.person().await?;
    let (mut founder, _) = Box::pin(Member::found_with_paper(founder, "Accueil", "Lyon")).await?;
    let structure_id = founder.desk.structure_id();
    server.accept(structure_id).await?;
    Box::pin(founder.settle()).await?;
    let friends = [server.person().await?, server.person().await?];
    let mut play = Box::pin(Play::between(server, friends)).await?;
    let Person { browser, vault, .. } = &mut play.owner;
    let code = structure_id.code();
    let compared = Comparison::read(&code);
    Box::pin(vault.compare_structure(browser, structure_id, compared)).await?;
    let mut wanted = naming(play.friends.each_ref())?;
    wanted.who.push((Who::Structure(structure_id), String::new()));
    Box::pin(vault.name_guardians(browser, &wanted)).await?;
    let return_id = play.begin().await?;
    let mallory = Somebody::new()?;
    let certificate = mallory.attest(Certificate {
        suite: Suite::V1,
        structure_id,
        serial: 1,
        number: 1,
        account_id: mallory.account_id,
        role: Role::Manager,
        ends_at: u64::MAX,
    });
    let object = mallory.attest(Vouch {
        suite: Suite::V1,
        return_id,
        guardian: 3,
        manner: Manner::FaceToFace,
        sealed_hash: [7; 32],
        made_at: play.desk.now(),
    });
    let forged = Base64(ByGuardian::Structure { object, certificate }.encode());
    lie(&play.friends[1].browser, "/v1/guarding", move |_, shown: &mut Guarding| {
        let returns = shown.guarded.iter_mut().flat_map(|it| &mut it.returns);
        returns.for_each(|it| it.vouches.push(forged.clone()));
    });
    let guarded = only_guarded(&mut play.friends[1]).await?;
    let seen = guarded.returns.first().context("nobody comes back")?;
    let outcome = match seen.structures_met(&guarded.guardians) {
        0 => Outcome::PassedOver,
        _ => Outcome::Succeeded,
    };
    ensure!(matches!(outcome, Outcome::Succeeded) || seen.unsound == [3], "{:?}", seen.unsound);
    Box::pin(play.done(outcome)).await
}

/// Two friends who work in one place vouch, which is no guardian itself: whoever has that place has both.
async fn two_people_of_one_place() -> Result<Outcome> {
    let server = Server::on(Database::Sqlite).await?;
    let founder = server.person().await?;
    let (mut founder, _) = Box::pin(Member::found_with_paper(founder, "Accueil", "Lyon")).await?;
    server.accept(founder.desk.structure_id()).await?;
    Box::pin(founder.settle()).await?;
    let colleague = Box::pin(founder.admit(server.person().await?, "Paul")).await?;
    let friends = [founder.person, colleague.person];
    let mut play = Box::pin(Play::between(server, friends)).await?;
    play.vouched().await?;
    play.server.pass(4).await?;
    let stands = play.look().await?;
    let entered = Box::pin(play.returning.enter(&play.desk, &stands, &[], false)).await;
    let outcome = match entered.map(drop) {
        Err(error) => Outcome::Stopped(error),
        Ok(()) => Outcome::Succeeded,
    };
    Box::pin(play.done(outcome)).await
}

/// What a guardian is shown of somebody is as the owner signed it.
#[tokio::test]
async fn what_no_owner_signed_is_shown_to_nobody() -> Result<()> {
    let mut play = Box::pin(Play::set()).await?;
    let mallory = play.server.person().await?;
    let theirs = mallory.vault.account_id();
    lie(&play.friends[0].browser, "/v1/guarding", move |_, shown: &mut Guarding| {
        shown.guarded.iter_mut().for_each(|it: &mut GuardedBy| it.account_id = theirs);
    });
    let friend = &mut play.friends[0];
    ensure!(friend.vault.guarding(&friend.browser).await?.is_empty());
    friend.browser.hear_the_truth();
    ensure!(only_guarded(friend).await?.signed_as() == "Amina D.");
    Ok(())
}

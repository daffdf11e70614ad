//! Whoever runs the server wants a place in a structure: then they read what it was given.

use std::mem;

use anyhow::{Context as _, Result, bail, ensure};
use reconnect_core::{
    error::Error,
    grant::{GrantSecret, wrap_for_recipient},
    group::{Change, Gate, Group, GroupError, History, Newcomer, Staged},
    key::{AccountSecrets, RecipientKey},
    place::LogPlace,
    recipient::Recipient,
    secret::Root,
    vault::{Blame, Desk},
};
use reconnect_format::{
    Signed, Suite, Unverified,
    api::{GroupChange, InvitationState, Invitations, Joining, OpenedForRewrap},
    encode,
    id::{AccountId, Base64, GrantId, InvitationId, StructureId},
    statement::Statement,
    structure::{
        AuthenticatedJoin, Certificate, EpochTerms, Founding, JoinRequest, LeafRequest, Link, Role,
        RosterTerms, StructureBody, StructureChain, StructureStatement, roster_hash,
        verify_certificate, verify_leaf_request,
    },
    switch::{Check, without},
};
use reconnect_tests::{
    browser::Browser,
    stage::{BEGINNING, DAY, Database, Person, Server},
    team::{Member, Team},
};

use crate::{
    lies::{Backup, lie, say},
    mallory::{Somebody, rng},
    pair::{Outcome, pairs},
};

pairs! {
    a_certificate_that_no_manager_signed: "forged" without [CertificateSigner];
    an_answer_to_an_invitation_that_mallory_wrote: passed_over without [InvitationMac];
    a_ghost_whom_a_worker_let_in: "forged" without [Committer, LeafCertificate, GroupStated];
    two_commits_for_one_epoch: "fork" without [GroupStated];
    a_colleagues_leaf_under_ones_own_request: "forged" without [LeafAsked];
    a_desk_that_was_put_back_from_a_copy: "withheld" without [StructureLogged];
    a_manager_whom_one_other_puts_out: "forged" without [ManagersStay];
    a_rewrap_that_opens_nothing: passed_over without [GrantCommitment];
}

/// A manager's profile was copied, with its group, and put back after they took somebody's place away.
/// The server shows the copy the structure as it was then, but for the log, which others watch: the
/// copy would go on with the group that whoever left is in.
async fn a_desk_that_was_put_back_from_a_copy() -> Result<Outcome> {
    let server = Server::on(Database::Sqlite).await?;
    let mut team = Team::on(&server).await?;
    let newcomer = server.person().await?;
    let copy = team.manager.browser().cloned();
    let (before, server) = Backup::take(server).await?;
    team.manager.put_out(2).await?;
    server.app().publish().await?;
    let (newest, server) = Backup::take(server).await?;
    let server = before.bring_back_but(server, "log").await?;
    let again = Box::pin(put_back(&team.manager, copy, newcomer)).await;
    let _server = newest.bring_back(server).await?;
    // The one at which it was done goes on.
    team.manager.settle().await?;
    ensure!(team.manager.numbers() == [1], "{:?}", team.manager.numbers());
    match again {
        Ok(numbers) => {
            ensure!(numbers == [1, 2, 3], "{numbers:?}");
            Ok(Outcome::Succeeded)
        }
        Err(error) => Ok(Outcome::Stopped(error)),
    }
}

/// Who is in the group for which a copy of a member's profile makes a commit.
async fn put_back(member: &Member, copy: Browser, newcomer: Person) -> Result<Vec<u32>, Error> {
    let mut vault = member.person.with_words(&copy, true).await?;
    let desk = Desk::resume(&mut vault, &copy).await?.ok_or(Error::NotAMember)?;
    let mut member = Member { person: member.person.at(copy, vault), desk };
    let admitted = Box::pin(member.admit(newcomer, "Zoé")).await;
    admitted.map_err(|error| error.downcast().unwrap_or(Error::NotAMember))?;
    Ok(member.numbers())
}

/// What a member's certificate says, signed by whoever signs.
fn certificate(structure_id: StructureId, number: u32, of: &Somebody) -> Certificate {
    Certificate {
        suite: Suite::V1,
        structure_id,
        serial: number.into(),
        number,
        account_id: of.account_id,
        role: Role::Worker,
        ends_at: BEGINNING + 1000 * DAY,
    }
}

/// The server puts a certificate for Mallory, signed by Mallory, among the members'.
async fn a_certificate_that_no_manager_signed() -> Result<Outcome> {
    let server = Server::on(Database::Sqlite).await?;
    let mut team = Team::on(&server).await?;
    let mallory = Somebody::new()?;
    let signed = mallory.attest(certificate(team.structure_id, 3, &mallory)).encode();
    let sql = "insert into certificate (structure_id, serial, number, bytes) values ($1, 3, 3, $2)";
    say(&server, sql, &[team.structure_id.as_bytes(), &signed]).await?;
    let outcome = team.manager.settle().await;
    if outcome.is_ok() {
        ensure!(team.manager.numbers() == [1, 2, 3], "{:?}", team.manager.numbers());
        return Ok(Outcome::Succeeded);
    }
    say(&server, "delete from certificate where serial = 3", &[]).await?;
    team.manager.settle().await?;
    ensure!(team.manager.numbers() == [1, 2]);
    Ok(outcome.map_or_else(Outcome::Stopped, |()| Outcome::Succeeded))
}

/// The server answers a manager's invitation in the newcomer's place, with keys of Mallory's.
async fn an_answer_to_an_invitation_that_mallory_wrote() -> Result<Outcome> {
    let server = Server::on(Database::Sqlite).await?;
    let mut team = Team::on(&server).await?;
    team.manager.invite("Zoé").await?;
    let mallory = Somebody::new()?;
    let (newcomer, key_package) = Newcomer::new(&mallory.device, &mallory.proof)?;
    let (account_id, device_id) = (mallory.account_id, mallory.device_id);
    let structure_id = team.structure_id;
    lie(team.manager.browser(), "/invitations", move |_, list: &mut Invitations| {
        for state in &mut list.invitations {
            let Some(invitation_id) = id_of(state) else { continue };
            let request = JoinRequest {
                suite: Suite::V1,
                structure_id,
                invitation_id,
                account_id,
                device_id,
                key_package: key_package.clone(),
                sealed_name: vec![1; 80],
            };
            state.join = Some(Base64(encode(&AuthenticatedJoin { request, tag: [1; 32] })));
        }
    });
    let settled = team.manager.settle().await;
    let sent = {
        let recording = server.recording().borrow();
        let changes = recording.iter().filter(|it| it.head.contains("/commits "));
        changes.skip(1).last().map(|change| change.sent.clone())
    };
    let Some(sent) = sent else {
        settled?;
        ensure!(team.manager.numbers() == [1, 2]);
        let other = server.person().await?;
        team.manager.browser().hear_the_truth();
        team.manager.admit(other, "Zoé").await?;
        return Ok(Outcome::PassedOver);
    };
    // She was sent a welcome: with it she is in, and has every key.
    let change: GroupChange = serde_json::from_slice(&sent)?;
    let Some(Joining::Admitted(admitted)) = change.joining else { bail!("nobody was admitted") };
    let mut links = crate::mallory::chain_of(&server, structure_id).await?;
    links.extend(change.statements.into_iter().map(|it| it.0));
    links.dedup();
    let chain = crate::mallory::verified(structure_id, &links)?;
    let mut certificates = members(&server, &chain).await?;
    certificates.push(verify_certificate(&admitted.certificate.0, &chain)?);
    let gate = Gate { chain: &chain, certificates: &certificates, now: BEGINNING };
    let inside = newcomer.join(&admitted.welcome.0, None, &gate)?;
    let seeds = mem::take(&mut inside.open_history(&change.history.0)?.seeds);
    let key = seeds.first().map(|(_, seed)| RecipientKey::of_epoch(seed).public().id());
    Ok(if key == chain.key_id(1) { Outcome::Succeeded } else { Outcome::PassedOver })
}

fn id_of(state: &InvitationState) -> Option<InvitationId> {
    use reconnect_format::{statement::Attested, structure::Invitation};
    let (invitation, _) = Attested::open::<Invitation>(&state.invitation.0).ok()?;
    Some(invitation.into_body().invitation_id)
}

async fn members(server: &Server, chain: &StructureChain) -> Result<Vec<Signed<Certificate>>> {
    let mut connection = reconnect_tests::dump::connect(server.config()).await?;
    let stored: Vec<Vec<u8>> =
        sqlx::query_scalar("select bytes from certificate where structure_id = $1")
            .bind(chain.structure_id.as_bytes())
            .fetch_all(&mut connection)
            .await?;
    Ok(stored.iter().map(|bytes| verify_certificate(bytes, chain)).collect::<Result<_, _>>()?)
}

/// A structure with its public chain, made by hand around real groups.
struct House {
    founder: Somebody,
    chain: StructureChain,
    certificates: Vec<Signed<Certificate>>,
}

impl House {
    fn found() -> Result<(Self, Group)> {
        let founder = Somebody::new()?;
        let root = AccountSecrets::derive(Root::generate(&mut rng()), 1).signing;
        let founding = Founding {
            suite: Suite::V1,
            name: b"Foyer".to_vec(),
            place: b"Lyon".to_vec(),
            root: root.public(),
            recovery: Box::new(founder.secrets.recipient.public().clone()),
            founder: founder.account_id,
            nonce: [1; 32],
        };
        let structure_id = founding.structure_id();
        let first = root.sign(StructureStatement {
            suite: Suite::V1,
            structure_id,
            sequence: 1,
            previous: [0; 32],
            made_at: BEGINNING,
            body: StructureBody::Found(founding),
        });
        let first = Link::Root { statement: first.encode() }.encode();
        let chain = StructureChain::begin(structure_id, &first)?;
        let group = Group::found(structure_id, 1, &founder.device, &founder.proof)?;
        let mut house = Self { founder, chain, certificates: vec![] };
        let own = house.founder.attest(certificate(structure_id, 1, &house.founder)).encode();
        house.certificates.push(verify_certificate(&own, &house.chain)?);
        let seed = group.epoch_seed(1)?;
        let recipient = Box::new(RecipientKey::of_epoch(&seed).public().clone());
        let roster = group.roster(&house.gate())?;
        house.say(StructureBody::Epoch(EpochTerms {
            epoch: 1,
            recipient,
            roster,
            revoked: vec![],
        }))?;
        Ok((house, group))
    }

    fn gate(&self) -> Gate<'_> {
        Gate { chain: &self.chain, certificates: &self.certificates, now: BEGINNING }
    }

    fn say(&mut self, body: StructureBody) -> Result<()> {
        let link = self.founder.says(self.chain.structure_id, self.chain.head(), body);
        Ok(self.chain.append(&link)?)
    }

    fn certify(&mut self, number: u32, person: &Somebody) -> Result<()> {
        let signed = self.founder.attest(certificate(self.chain.structure_id, number, person));
        self.certificates.push(verify_certificate(&signed.encode(), &self.chain)?);
        Ok(())
    }

    /// A worker's statement of the roster.
    fn says_as_member(
        &mut self,
        worker: &Somebody,
        certificate: usize,
        (terms, answers): (RosterTerms, Option<[u8; 32]>),
    ) -> Result<()> {
        let (sequence, previous) = self.chain.head();
        let statement = worker.attest(StructureStatement {
            suite: Suite::V1,
            structure_id: self.chain.structure_id,
            sequence: sequence + 1,
            previous,
            made_at: BEGINNING,
            body: StructureBody::Roster { terms, answers },
        });
        let certificate = self.founder.attest(self.certificates[certificate].body().clone());
        Ok(self.chain.append(&Link::Member { statement, certificate }.encode())?)
    }

    /// Somebody asks to be let in.
    fn ask(&self, person: &Somebody) -> Result<(Newcomer, JoinRequest)> {
        let (newcomer, key_package) = Newcomer::new(&person.device, &person.proof)?;
        let request = JoinRequest {
            suite: Suite::V1,
            structure_id: self.chain.structure_id,
            invitation_id: InvitationId([0; 16]),
            account_id: person.account_id,
            device_id: person.device_id,
            key_package,
            sealed_name: vec![],
        };
        Ok((newcomer, request))
    }

    fn stage(
        &self,
        group: &mut Group,
        by: &Somebody,
        asked: &JoinRequest,
    ) -> Result<Staged, GroupError> {
        group.stage(Change::Admit(asked), &History::default(), &by.device, &self.gate(), &mut rng())
    }

    /// The founder certifies somebody and lets them in.
    fn admit(&mut self, group: &mut Group, number: u32, person: &Somebody) -> Result<Group> {
        self.certify(number, person)?;
        let (newcomer, request) = self.ask(person)?;
        let staged = self.stage(group, &self.founder, &request)?;
        self.say(StructureBody::Roster { terms: staged.roster.clone(), answers: None })?;
        group.merge_staged()?;
        Ok(newcomer.join(&staged.welcome.context("no welcome")?, None, &self.gate())?)
    }
}

/// A worker's changed client lets Mallory in, whom no manager certified, and says in the chain what a
/// worker may say: that the roster is as before. Other members take it in, or do not.
async fn a_ghost_whom_a_worker_let_in() -> Result<Outcome> {
    let (mut house, mut first) = House::found()?;
    let (worker, third, mallory) = (Somebody::new()?, Somebody::new()?, Somebody::new()?);
    let mut theirs = house.admit(&mut first, 2, &worker)?;
    let (newcomer, asked) = house.ask(&mallory)?;
    let staged = {
        let _changed_client = without(&[Check::Committer, Check::LeafCertificate]);
        // Only a roster needs a certificate of everybody: she has one that she signed herself.
        let mut among = house.certificates.clone();
        among.push(mallory.device.signing.sign(certificate(house.chain.structure_id, 3, &mallory)));
        let gate = Gate { chain: &house.chain, certificates: &among, now: BEGINNING };
        theirs.stage(
            Change::Admit(&asked),
            &History::default(),
            &worker.device,
            &gate,
            &mut rng(),
        )?
    };
    let before = house.chain.roster.clone().context("no roster")?;
    let said = RosterTerms {
        roster_hash: before.roster_hash,
        roster_size: before.roster_size,
        ..staged.roster.clone()
    };
    ensure!(
        before.roster_hash == roster_hash(house.certificates.iter().map(Signed::hash).collect())
    );
    let honest = house.chain.clone();
    house.says_as_member(&worker, 1, (said, None))?;
    let snapshot = first.snapshot();
    match first.take_in(&staged.commit, None, &house.gate()) {
        Ok(()) => {
            let ghost =
                newcomer.join(&staged.welcome.context("no welcome")?, None, &house.gate())?;
            let same = ghost.epoch_seed(2)?;
            let same = RecipientKey::of_epoch(&same).public().id()
                == RecipientKey::of_epoch(&first.epoch_seed(2)?).public().id();
            Ok(if same { Outcome::Succeeded } else { Outcome::PassedOver })
        }
        Err(error) => {
            // The group is what it was, to the byte, and goes on.
            ensure!(*first.snapshot() == *snapshot);
            house.chain = honest;
            house.admit(&mut first, 3, &third)?;
            Ok(Outcome::Stopped(Error::from(error)))
        }
    }
}

/// A manager who works with the server makes two commits from one state, each valid, and tells the
/// chain of one: whoever is given the other would be in a group of their own.
async fn two_commits_for_one_epoch() -> Result<Outcome> {
    let (mut house, mut first) = House::found()?;
    let (worker, third, fourth) = (Somebody::new()?, Somebody::new()?, Somebody::new()?);
    let mut second = house.admit(&mut first, 2, &worker)?;
    house.certify(3, &third)?;
    house.certify(4, &fourth)?;
    let mut fork = Group::resume(house.chain.structure_id, 1, &first.snapshot())?;
    let (_, asked) = house.ask(&third)?;
    let told = house.stage(&mut first, &house.founder, &asked)?;
    let (_, asked) = house.ask(&fourth)?;
    let untold = house.stage(&mut fork, &house.founder, &asked)?;
    house.say(StructureBody::Roster { terms: told.roster.clone(), answers: None })?;
    first.merge_staged()?;
    match second.take_in(&untold.commit, None, &house.gate()) {
        Ok(()) => {
            let apart = RecipientKey::of_epoch(&first.epoch_seed(2)?).public().id()
                != RecipientKey::of_epoch(&second.epoch_seed(2)?).public().id();
            Ok(if apart { Outcome::Succeeded } else { Outcome::PassedOver })
        }
        Err(error) => {
            second.take_in(&told.commit, None, &house.gate())?;
            Ok(Outcome::Stopped(Error::from(error)))
        }
    }
}

/// A worker asks for a leaf of a device of their own, which has the id of a colleague's device, with a
/// key package that the colleague made once and everybody has seen: nobody has its keys any more.
/// The commit puts the colleague's leaf out.
async fn a_colleagues_leaf_under_ones_own_request() -> Result<Outcome> {
    let (mut house, mut first) = House::found()?;
    let (colleague, worker, third) = (Somebody::new()?, Somebody::new()?, Somebody::new()?);
    house.admit(&mut first, 2, &colleague)?;
    let mut theirs = house.admit(&mut first, 3, &worker)?;
    let (_, seen) = house.ask(&colleague)?;
    ensure!(worker.device_id == colleague.device_id);
    let (structure_id, (sequence, _)) = (house.chain.structure_id, house.chain.head());
    let asked = worker.attest(LeafRequest {
        suite: Suite::V1,
        structure_id,
        account_id: worker.account_id,
        device_id: worker.device_id,
        sequence,
        made_at: BEGINNING,
        key_package: seen.key_package,
    });
    let asked = asked.encode();
    let request = verify_leaf_request(&asked, structure_id, (sequence + 1, BEGINNING))?;
    let staged = {
        let _changed_client = without(&[Check::LeafAsked]);
        let (history, gate) = (History::default(), house.gate());
        theirs.stage(Change::Leaf(&request), &history, &worker.device, &gate, &mut rng())?
    };
    let honest = house.chain.clone();
    house.says_as_member(&worker, 2, (staged.roster.clone(), Some(request.hash())))?;
    let snapshot = first.snapshot();
    match first.take_in(&staged.commit, Some(&asked), &house.gate()) {
        Ok(()) => Ok(Outcome::Succeeded),
        Err(error) => {
            ensure!(*first.snapshot() == *snapshot);
            house.chain = honest;
            house.admit(&mut first, 4, &third)?;
            Ok(Outcome::Stopped(Error::from(error)))
        }
    }
}

/// A member wraps a secret of their own making to the newest epoch, in the place of a grant's, so that
/// the old wrap goes and nobody who stays can read what was given.
async fn a_rewrap_that_opens_nothing() -> Result<Outcome> {
    let server = Server::on(Database::Sqlite).await?;
    let mut team = Team::on(&server).await?;
    let mut stays = team.manager.admit(server.person().await?, "Nour").await?;
    team.manager.admit(server.person().await?, "Zoé").await?;
    let mut owner = server.person().await?;
    let document_id = owner.add("Dossier", b"needed").await?;
    let grant_id = owner.give(team.structure_id, &[document_id]).await?;
    team.manager.put_out(4).await?;
    for member in [&mut team.worker, &mut stays] {
        member.settle().await?;
    }
    let statement = given_by(&server, grant_id).await?;
    let hash = Unverified::<Statement>::decode(&statement)?.hash();
    let kept = team.worker.desk.keep_everything(&team.worker.person.vault)?;
    let first = kept.recipient_keys.into_iter().next().context("no key")?;
    let structure_id = team.structure_id;
    let place = LogPlace::generate(AccountId([0x66; 32]), &mut rng()).0;
    lie(team.worker.browser(), "/rewraps/open", move |_, opened: &mut OpenedForRewrap| {
        let recipient = Recipient::of_own_epoch(structure_id, 1, &first);
        let other = GrantSecret::generate("Aminata D.", "Demande de logement", &place, &mut rng());
        let wrap = other
            .ok()
            .and_then(|other| wrap_for_recipient(&other, hash, &recipient, &mut rng()).ok());
        if let (Some(secret), Some(wrap)) = (opened.grants.first_mut(), wrap) {
            secret.wrap = Base64(wrap);
        }
    });
    {
        let _changed_client = without(&[Check::GrantCommitment]);
        let done = team.worker.renew().await?;
        ensure!(done.waiting == 1, "nothing was wrapped: {done:?}");
    }
    // The others' pages are open: the first of them looks at it, the next at what that one made.
    team.manager.renew().await?;
    stays.renew().await?;
    stays.look().await?;
    if stays.open_and_read(grant_id, document_id).await.is_err() {
        return Ok(Outcome::Succeeded);
    }
    for member in [&mut team.manager, &mut stays] {
        let Person { browser, vault, .. } = &mut member.person;
        member.desk.judge_refused(vault, browser).await?;
        let blamed = member.desk.blamed();
        ensure!(blamed == [Blame { number: 2, said_falsely: false }], "{blamed:?}");
    }
    ensure!(stays.open_and_read(grant_id, document_id).await? == b"needed");
    Ok(Outcome::PassedOver)
}

/// The statement that gave, as the server has it.
async fn given_by(server: &Server, grant_id: GrantId) -> Result<Vec<u8>> {
    let mut connection = reconnect_tests::dump::connect(server.config()).await?;
    Ok(sqlx::query_scalar(
        "select s.bytes from granted g
        join statement s on s.account_id = g.account_id and s.sequence = g.sequence
        where g.grant_id = $1",
    )
    .bind(grant_id.as_bytes())
    .fetch_one(&mut connection)
    .await?)
}

/// One manager, or whoever has their device, revokes another's number and removes their leaf: the
/// chain does not know whose number it is.
async fn a_manager_whom_one_other_puts_out() -> Result<Outcome> {
    let (mut house, mut first) = House::found()?;
    let (manager, worker, third) = (Somebody::new()?, Somebody::new()?, Somebody::new()?);
    house.admit(&mut first, 2, &manager)?;
    let mut theirs = house.admit(&mut first, 3, &worker)?;
    let account_id = manager.account_id;
    house.say(StructureBody::AddManager { account_id })?;
    let honest = (house.chain.clone(), first.snapshot());
    let staged = {
        let _changed_client = without(&[Check::ManagersStay]);
        let (change, history) = (Change::Leave { account_id, epoch: 2 }, History::default());
        first.stage(change, &history, &house.founder.device, &house.gate(), &mut rng())?
    };
    let seed = staged.seed.as_ref().context("no seed")?;
    house.say(StructureBody::Epoch(EpochTerms {
        epoch: 2,
        recipient: Box::new(RecipientKey::of_epoch(seed).public().clone()),
        roster: staged.roster.clone(),
        revoked: vec![2],
    }))?;
    let snapshot = theirs.snapshot();
    match theirs.take_in(&staged.commit, None, &house.gate()) {
        Ok(()) => Ok(Outcome::Succeeded),
        Err(error) => {
            ensure!(*theirs.snapshot() == *snapshot);
            house.chain = honest.0;
            first = Group::resume(house.chain.structure_id, 1, &honest.1)?;
            house.admit(&mut first, 4, &third)?;
            Ok(Outcome::Stopped(Error::from(error)))
        }
    }
}

//! Every token of before, again on every route that wants one, after each event that ends it. I-15.

use anyhow::{Context as _, Result, ensure};
use reconnect::app::ROUTES;
use reconnect_core::{
    held::Pin,
    link::LinkCode,
    lock::Login,
    vault::{Drawn, Naming, ReturnStands, Returning, Vault, Ways, Who},
    words::{PaperSecret, SixWords, draw_handle},
    world::World as _,
};
use reconnect_format::{
    api::{Call, Code, PakeAnswer, PakeFinish, WordsStart},
    guardian::{Manner, WAIT_MIN_SECONDS},
    id::Base64,
};
use reconnect_tests::{
    dump,
    stage::{DAY, Database, Person, Server},
    wire::Answer,
};

use super::{
    say,
    scene::Scene,
    table::{Row, rows},
};

/// How long a session lives.
const LIFE_SECONDS: u64 = 12 * 3600;

/// I-15, I-25: logging out, everywhere, a change of each lock, a device that is retired by itself or by
/// another, a new generation, a recovery by guardians, an account that closes, and time.
#[tokio::test]
async fn every_old_token_is_refused_on_every_route_after_each_event_on_sqlite() -> Result<()> {
    Box::pin(play(Database::Sqlite)).await
}

/// I-15, I-25: the same.
#[tokio::test]
async fn every_old_token_is_refused_on_every_route_after_each_event_on_postgres() -> Result<()> {
    Box::pin(play(Database::Postgres)).await
}

/// What is replayed, and how often it was.
struct Replay {
    scene: Scene,
    rows: Vec<Row>,
    refused: usize,
    tokens: usize,
    events: usize,
    /// What every refusal is like.
    like: Option<Answer>,
}

async fn play(database: Database) -> Result<()> {
    let scene = Box::pin(Scene::set(database)).await?;
    let rows: Vec<_> = rows()?.into_iter().filter(|row| row.open.is_none()).collect();
    let mut replay = Replay { scene, rows, refused: 0, tokens: 0, events: 0, like: None };
    Box::pin(replay.leaving()).await?;
    Box::pin(replay.locks()).await?;
    Box::pin(replay.devices()).await?;
    Box::pin(replay.generations_and_closing()).await?;
    Box::pin(replay.time()).await?;
    // Last: it takes days.
    Box::pin(replay.guardians()).await?;
    let Replay { refused, tokens, events, rows, .. } = replay;
    say(&format!(
        "{database:?}: {events} events ended {tokens} tokens: {refused} replays over {} rows refused",
        rows.len()
    ));
    ensure!(events == 13 && tokens == 21, "{events} events, {tokens} tokens");
    Ok(())
}

fn token(vault: &Vault) -> String {
    vault.token().to_owned()
}

impl Replay {
    fn server(&self) -> &Server {
        &self.scene.server
    }

    /// Whether a token opens anything, by one look.
    async fn lives(&self, token: &str) -> Result<bool> {
        let looked = self.scene.browser.send(&Call::read("/v1/sync"), Some(token)).await?;
        Ok(looked.status == 200)
    }

    async fn all_live(&self, tokens: &[String]) -> Result<()> {
        for token in tokens {
            ensure!(self.lives(token).await?, "it never lived");
        }
        Ok(())
    }

    /// Replays what an event has ended.
    async fn all_over(&mut self, event: &str, tokens: &[String]) -> Result<()> {
        let before = self.scene.dump().await?;
        for token in tokens {
            for row in &self.rows {
                let answer = self.scene.ask_with(row, "owner", Some(token)).await?;
                let ended = answer.status == 401 && answer.code() == Some(Code::SessionEnded);
                ensure!(ended, "after {event}: {} gave {}", row.name(), answer.status);
                let like = self.like.get_or_insert_with(|| answer.clone());
                let alike = like.body == answer.body && like.headers == answer.headers;
                ensure!(alike, "after {event}: {} tells more", row.name());
                self.refused += 1;
            }
            self.tokens += 1;
        }
        let after = self.scene.dump().await?;
        ensure!(before == after, "after {event}: {}", before.difference(&after));
        self.events += 1;
        Ok(())
    }

    async fn person(&self) -> Result<Person> {
        self.server().person().await
    }

    /// Another session of somebody, on a browser of its own.
    async fn elsewhere(&self, person: &Person) -> Result<String> {
        let browser = self.server().browser();
        Ok(token(&person.with_sheet(&browser, true).await?))
    }

    async fn leaving(&mut self) -> Result<()> {
        let one = self.person().await?;
        let again = token(&one.with_sheet(&one.browser, true).await?);
        let over = token(&one.vault);
        self.all_live(&[over.clone(), again.clone()]).await?;
        one.browser.send(&Call::remove("/v1/sessions/this"), Some(&over)).await?;
        self.all_over("logging out", &[over]).await?;
        ensure!(self.lives(&again).await?, "another session of the same device has ended too");
        let all = [again, self.elsewhere(&one).await?, self.elsewhere(&one).await?];
        self.all_live(&all).await?;
        one.browser.send(&Call::remove("/v1/sessions"), Some(&all[0])).await?;
        self.all_over("the end of all sessions", &all).await
    }

    /// A change of a lock ends what was begun with it. Sessions of other devices are its owner's to end:
    /// by retiring these, or by a new generation.
    async fn locks(&mut self) -> Result<()> {
        let mut owner = self.person().await?;
        let left = self.elsewhere(&owner).await?;
        owner.browser.send(&Call::remove("/v1/sessions/this"), Some(&left)).await?;
        let lives = self.elsewhere(&owner).await?;
        owner.vault.sync(&owner.browser).await?;
        let (mut rng, pin) = (owner.browser.rng(), Pin::parse("481709")?);
        let card = PaperSecret::card(&mut rng);
        Box::pin(owner.vault.set_card(&owner.browser, &card, &pin, 1)).await?;
        let desk = self.server().browser();
        let by_card = Box::pin(Vault::unlock_with_card(&desk, &card, &pin, true)).await?;
        let by_card = token(&by_card);
        let begun = begin(&owner).await?;
        let (handle, words) = (draw_handle(&mut rng), SixWords::generate(&mut rng));
        owner.vault.sync(&owner.browser).await?;
        owner.vault.replace_words(&owner.browser, &handle, &words).await?;
        let finished = owner.browser.send(&begun, None).await?;
        ensure!(finished.status == 401, "words of before opened it: {}", finished.status);
        ensure!(owner.with_words(&self.server().browser(), false).await.is_err());
        self.all_over("a change of the words", std::slice::from_ref(&left)).await?;
        let other = Pin::parse("728406")?;
        Box::pin(owner.vault.change_pin(&owner.browser, &card, &other)).await?;
        let opened = Box::pin(Vault::unlock_with_card(&desk, &card, &pin, false)).await;
        ensure!(opened.is_err(), "the PIN of before opened it");
        self.all_over("a change of the PIN", std::slice::from_ref(&left)).await?;
        owner.vault.replace_paper(&owner.browser, &PaperSecret::generate(&mut rng)).await?;
        ensure!(owner.with_sheet(&self.server().browser(), false).await.is_err());
        self.all_over("another sheet", std::slice::from_ref(&left)).await?;
        self.all_live(&[lives, by_card]).await
    }

    async fn devices(&mut self) -> Result<()> {
        let mut owner = self.person().await?;
        let browser = self.server().browser();
        let phone = owner.with_words(&browser, true).await?;
        let again = token(&owner.with_sheet(&browser, true).await?);
        let stays = self.elsewhere(&owner).await?;
        let tokens = [token(&phone), again];
        self.all_live(&tokens).await?;
        owner.vault.sync(&owner.browser).await?;
        owner.vault.retire_device(&owner.browser, phone.device_id()).await?;
        self.all_over("a device that was retired", &tokens).await?;
        let shared = self.server().browser();
        let there = owner.with_words(&shared, false).await?;
        let tokens = [token(&there)];
        self.all_live(&tokens).await?;
        ensure!(there.sign_out(&shared, false).await.is_ok());
        self.all_over("signing out of a shared computer", &tokens).await?;
        let tokens = [stays, token(&owner.vault)];
        self.all_live(&tokens).await?;
        let Person { browser, vault, .. } = owner;
        ensure!(vault.sign_out(&browser, true).await.is_ok());
        self.all_over("signing out everywhere", &tokens).await
    }

    async fn generations_and_closing(&mut self) -> Result<()> {
        let owner = self.person().await?;
        let tokens = [token(&owner.vault), self.elsewhere(&owner).await?];
        let mut owner = owner;
        owner.vault.sync(&owner.browser).await?;
        self.all_live(&tokens).await?;
        let owner = owner.begin_generation().await?;
        self.all_over("a new generation", &tokens).await?;
        let tokens = [token(&owner.vault), self.elsewhere(&owner).await?];
        self.all_live(&tokens).await?;
        let Person { browser, mut vault, .. } = owner;
        vault.sync(&browser).await?;
        ensure!(vault.close_for_good(&browser).await.is_ok());
        self.all_over("closing", &tokens).await
    }

    async fn time(&mut self) -> Result<()> {
        // The scene leapt over a day, as no clock does that is believed: this one was there all the time.
        let mut connection = dump::connect(self.server().config()).await?;
        sqlx::query("update server set newest_at = $1 where one = 1")
            .bind(i64::try_from(self.server().clock().now())?)
            .execute(&mut connection)
            .await?;
        let owner = self.person().await?;
        let (first, clock) = (token(&owner.vault), self.server().clock().clone());
        clock.advance(600);
        let second = self.elsewhere(&owner).await?;
        clock.advance(LIFE_SECONDS - 601);
        self.all_live(&[first.clone(), second.clone()]).await?;
        clock.advance(1);
        ensure!(self.lives(&second).await?, "one that is younger has ended");
        self.all_over("half a day", std::slice::from_ref(&first)).await?;
        // Whatever the clock says later.
        self.server().app().sweep().await?;
        clock.advance((LIFE_SECONDS / 2).wrapping_neg());
        ensure!(!self.lives(&first).await? && self.lives(&second).await?, "the clock went back");
        clock.advance(LIFE_SECONDS / 2 + 600);
        ensure!(!self.lives(&second).await?, "it outlived its time");
        self.server().app().sweep().await
    }

    async fn guardians(&mut self) -> Result<()> {
        let mut owner = self.person().await?;
        let mut friends = [self.person().await?, self.person().await?];
        let who = friends.iter().map(|friend| {
            let address = friend.vault.account_id().deposit_address();
            Ok((Who::of_address(&address)?, String::new()))
        });
        let naming = Naming {
            who: who.collect::<Result<_>>()?,
            needed: 2,
            wait_seconds: WAIT_MIN_SECONDS,
            short_wait_seconds: WAIT_MIN_SECONDS,
            signed_as: String::new(),
            known_by: String::new(),
        };
        Box::pin(owner.vault.name_guardians(&owner.browser, &naming)).await?;
        let (lost, pin) = (self.server().browser(), Pin::parse("481709")?);
        let card = Returning::draw_card(&lost);
        let returning = Returning::begin(&lost, &card, &pin).await?;
        returning.look(&lost, &[]).await?;
        let code = LinkCode::parse(&returning.square())?;
        let Person { browser, vault, .. } = &mut friends[0];
        let guarded = vault.guarding(browser).await?.pop().context("a guardian of nobody")?;
        vault.begin_return(browser, &guarded, &code).await?;
        self.server().app().publish().await?;
        for Person { browser, vault, .. } in &mut friends {
            let guarded = vault.guarding(browser).await?.pop().context("a guardian of nobody")?;
            let open = guarded.open_return(&code).context("nobody comes back")?;
            vault.vouch(browser, (&guarded, open), &code, Manner::FaceToFace).await?;
        }
        let sessions_of_friends = friends.each_ref().map(|friend| token(&friend.vault));
        self.server().pass(u64::from(WAIT_MIN_SECONDS) / DAY + 1).await?;
        self.all_over("a week", &sessions_of_friends).await?;
        // The thief, or whoever still has a device, is there until the end.
        let tokens = [self.elsewhere(&owner).await?, self.elsewhere(&owner).await?];
        let stands: ReturnStands =
            returning.look(&lost, &[]).await?.context("nobody comes back")?;
        ensure!(stands.is_ready, "two guardians and a week");
        let entered = Box::pin(returning.enter(&lost, &stands, &[], true)).await?;
        self.all_live(&tokens).await?;
        let drawn = Drawn::draw_again(&entered, &mut lost.rng());
        let begun = Box::pin(entered.begin_generation(&lost, &drawn, &Ways::on_paper())).await;
        let back = begun.map_err(|stayed| stayed.error)?;
        self.all_live(&[token(&back)]).await?;
        self.all_over("a recovery by guardians", &tokens).await
    }
}

/// The third message of somebody who began with the words of now.
async fn begin(owner: &Person) -> Result<Call> {
    let Person { browser, handle, words, .. } = owner;
    let (login, request) = Login::start(SixWords::parse(words)?.password(), &mut browser.rng())?;
    let start = WordsStart { handle: handle.clone(), request: Base64(request) };
    let begun = browser.ship(Call::send("/v1/unlock/words", &start).open(), None).await?;
    let begun: PakeAnswer = serde_json::from_slice(&begun)?;
    let (finalization, _) =
        login.finish(&begun.response.0, &mut browser.rng())?.context("the right words")?;
    let finish = PakeFinish { unlock_id: begun.unlock_id, finalization: Base64(finalization) };
    Ok(Call::send("/v1/unlock/finish", &finish).open())
}

/// I-11: what wants a session in the table is all that is not for anyone by the server's own table.
#[test]
fn what_is_replayed_is_every_route_that_wants_a_session() -> Result<()> {
    let table = rows()?;
    for route in ROUTES.iter().filter(|it| it.principals != reconnect::app::Principals::Anyone) {
        let of_it = |row: &&Row| row.method == route.method && row.path == route.path;
        let wanting = table.iter().filter(of_it).all(|row| row.open.is_none());
        ensure!(wanting, "{} {} is open to somebody", route.method, route.path);
    }
    Ok(())
}

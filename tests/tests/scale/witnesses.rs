//! What a witness hands in at one server counts at the other. I-22.

use anyhow::{Context as _, Result, ensure};
use axum::Router;
use ed25519_dalek::{Signer as _, SigningKey};
use reconnect_format::api::{Call, HandIn};
use reconnect_log::{KeyKind, Note, VerifierKey};
use reconnect_tests::{
    dump,
    stage::{Database, Server},
    wire,
};

/// A witness of these tests.
struct Witness(SigningKey, VerifierKey);

impl Witness {
    fn new(seed: u8) -> Result<Self> {
        let signing = SigningKey::from_bytes(&[seed; 32]);
        let key = signing.verifying_key().to_bytes();
        let key = VerifierKey::new(&format!("witness-{seed}"), KeyKind::Cosigner, key)?;
        Ok(Self(signing, key))
    }

    /// Signs it at that time, and hands it in at one server, which answers with this status.
    async fn cosign(&self, note: &Note, time: u64, at: &Router) -> Result<u16> {
        let mut note = note.clone();
        let line = note.cosign(&self.1, time, |message| self.0.sign(message).to_bytes());
        note.put(&self.1, line);
        let call = Call::send("/v1/log/cosignatures", &HandIn { note: note.to_string() });
        Ok(wire::inside(at, &call.open(), None).await?.status)
    }

    /// When it signed this.
    fn signed(&self, note: &Note) -> Option<u64> {
        note.verify(&self.1).ok().flatten()
    }
}

async fn newest(at: &Router) -> Result<Note> {
    let answer = wire::inside(at, &Call::read("/v1/log/checkpoint").open(), None).await?;
    Ok(Note::parse(&String::from_utf8(answer.body)?)?)
}

/// The size that enough have cosigned, as all servers know it.
async fn witnessed(server: &Server) -> Result<Option<u64>> {
    let mut connection = dump::connect(server.config()).await?;
    let text: Option<String> =
        sqlx::query_scalar("select checkpoint from log_note where name = 'witnessed'")
            .fetch_optional(&mut connection)
            .await?;
    text.map(|text| Ok(Note::parse(&text)?.claim().size)).transpose()
}

#[tokio::test]
async fn what_a_witness_hands_in_at_one_server_counts_at_the_other() -> Result<()> {
    let (one, two) = (Witness::new(1)?, Witness::new(2)?);
    let keys = vec![one.1.clone(), two.1.clone()];
    let server = Server::with(Database::Postgres, |config| {
        config.log.witnesses = keys;
        config.log.required = 2;
    })
    .await?;
    let [first, second] = server.apps() else { anyhow::bail!("two servers") };
    let each = server.each();
    let now = server.clock().now();
    let begun = newest(&each[0]).await?;
    let size = begun.claim().size;
    let mut owner = server.person().await?;
    let size_at = async |at: usize| anyhow::Ok(newest(&each[at]).await?.claim().size);

    // For a minute nothing overtakes those who cosign.
    server.clock().advance(59);
    for app in [first, second] {
        app.publish().await?;
    }
    ensure!(size_at(0).await? == size && size_at(1).await? == size, "it did not wait");
    ensure!(one.cosign(&begun, now, &each[0]).await? == 204);
    let known = newest(&each[1]).await?;
    ensure!(one.signed(&known) == Some(now) && two.signed(&known).is_none());
    ensure!(witnessed(&server).await?.is_none(), "one passes for two");
    ensure!(one.cosign(&begun, now - 5, &each[1]).await? == 204, "an older one is no news");
    ensure!(one.signed(&newest(&each[0]).await?) == Some(now));
    ensure!(two.cosign(&begun, now, &each[1]).await? == 204);
    ensure!(witnessed(&server).await? == Some(size), "both have seen it");

    // With both, nothing waits any more.
    first.publish().await?;
    let grown = newest(&each[1]).await?;
    ensure!(grown.claim().size > size);
    ensure!(one.signed(&grown).is_none() && witnessed(&server).await? == Some(size));
    // What enough have cosigned may be cosigned again, though it is not the newest any more.
    ensure!(one.cosign(&begun, now + 9, &each[0]).await? == 204);
    ensure!(witnessed(&server).await? == Some(size));
    owner.add("Bail", b"lease").await?;
    server.clock().advance(59);
    second.publish().await?;
    ensure!(size_at(0).await? == grown.claim().size, "it did not wait");
    server.clock().advance(1);
    second.publish().await?;
    ensure!(size_at(0).await? > grown.claim().size, "it waits for ever");
    // What nobody waits for any more is refused.
    ensure!(two.cosign(&grown, now, &each[0]).await? == 409);
    Ok(())
}

#[tokio::test]
async fn a_checkpoint_is_signed_again_with_a_new_time_every_ten_minutes_and_not_before()
-> Result<()> {
    let witness = Witness::new(1)?;
    let keys = vec![witness.1.clone()];
    let server = Server::with(Database::Postgres, |config| config.log.witnesses = keys).await?;
    let each = server.each();
    server.app().publish().await?;
    let note = newest(&each[0]).await?;
    // Nobody waits for witnesses here: what one signs is kept, and not as cosigned by enough.
    ensure!(witness.cosign(&note, server.clock().now(), &each[0]).await? == 204);
    ensure!(witness.signed(&newest(&each[1]).await?).is_some());
    ensure!(witnessed(&server).await?.is_none());
    let service = wire::inside(&each[0], &Call::read("/v1/service").open(), None).await?;
    let service: reconnect_format::api::Service = serde_json::from_slice(&service.body)?;
    let own = service.log.parse::<VerifierKey>()?.as_kind(KeyKind::Cosigner);
    let signed_at = async |at: usize| {
        newest(&each[at]).await?.verify(&own).ok().flatten().context("the log signs as one, too")
    };
    let before = signed_at(0).await?;
    for (seconds, is_new) in [(599, false), (1, true)] {
        server.clock().advance(seconds);
        server.app().publish().await?;
        let expected = if is_new { server.clock().now() } else { before };
        ensure!(signed_at(0).await? == expected && signed_at(1).await? == expected, "{seconds}");
    }
    Ok(())
}

//! Somebody between a browser and the server, and a log that forks: whoever stole the log's key signs one.

use std::{cell::RefCell, fs, rc::Rc};

use anyhow::Result;
use axum::{
    Router,
    body::to_bytes,
    extract::{Query, Request},
    http::Uri,
    middleware::{Next, from_fn},
    response::{IntoResponse as _, Response},
};
use ed25519_dalek::{Signer as _, SigningKey};
use reconnect_core::world::World as _;
use reconnect_format::{
    api::{Call, LogAnswer, LogAsked, Service},
    id::Base64,
};
use reconnect_log::{Beside, Checkpoint, Leaf, Lookup, Map, Newest, Note, Replay, VerifierKey};

use crate::{
    browser::{Browser, Network},
    stage::Server,
};

/// A browser, with somebody before the server who changes what is answered under a path.
pub fn between<T>(server: &Server, path: &'static str, lie: impl Lie<T>) -> Browser
where
    T: serde::de::DeserializeOwned + serde::Serialize,
{
    let router = server.router().layer(from_fn(move |request: Request, next: Next| {
        let lie = lie.clone();
        async move {
            let uri = request.uri().clone();
            let answer = next.run(request).await;
            if uri.path().contains(path) { changed(answer, &uri, lie).await } else { answer }
        }
    }));
    through(server, router)
}

/// Changes an answer.
pub trait Lie<T>: Fn(&Uri, &mut T) + Clone + Send + Sync + 'static {}

impl<T, F: Fn(&Uri, &mut T) + Clone + Send + Sync + 'static> Lie<T> for F {}

async fn changed<T>(answer: Response, uri: &Uri, lie: impl Lie<T>) -> Response
where
    T: serde::de::DeserializeOwned + serde::Serialize,
{
    let bytes = to_bytes(answer.into_body(), usize::MAX).await.unwrap_or_default();
    let Ok(mut said) = serde_json::from_slice(&bytes) else { return bytes.into_response() };
    lie(uri, &mut said);
    serde_json::to_vec(&said).unwrap_or_default().into_response()
}

/// A browser whose calls end at this router.
pub fn through(server: &Server, router: Router) -> Browser {
    let network = Rc::new(RefCell::new(Network::Inside(router)));
    Browser::new(network, server.clock().clone(), Some(Rc::clone(server.recording())))
}

/// The log's key, as the server says it.
pub async fn service_key(server: &Server) -> Result<VerifierKey> {
    let bytes = server.browser().ship(Call::read("/v1/service").open(), None).await?;
    Ok(serde_json::from_slice::<Service>(&bytes)?.log.parse()?)
}

/// Whoever has the log's key.
#[derive(Clone)]
pub struct LogThief {
    key: VerifierKey,
    signing: SigningKey,
    /// What the other log says, before anything that nobody asks for.
    entries: Vec<Leaf>,
}

impl LogThief {
    /// Steals the key of this server's log.
    pub async fn of(server: &Server) -> Result<Self> {
        let secret = fs::read(server.folder().join("secrets/log.key"))?;
        let signing = SigningKey::from_bytes(secret.as_slice().try_into()?);
        Ok(Self { key: service_key(server).await?, signing, entries: Vec::new() })
    }

    /// The other log gives this index this value.
    #[must_use]
    pub fn saying(mut self, index: [u8; 32], newest: Newest) -> Self {
        self.entries.push(Leaf::Entry { index, newest });
        self
    }

    /// A browser that is shown another log under the same key, of as many leaves as `long` says, given
    /// the size that was asked from.
    pub fn between(
        &self,
        server: &Server,
        long: impl Fn(u64) -> u64 + Clone + Send + Sync + 'static,
    ) -> Browser {
        let (thief, now) = (self.clone(), server.clock().now());
        between(server, "/v1/log/lookup", move |uri, answer: &mut LogAnswer| {
            let asked = Query::<LogAsked>::try_from_uri(uri).expect("a question").0;
            let forged = thief.forge(&asked, long(asked.from), now);
            answer.lookup = Base64(forged.encode());
        })
    }

    /// A checkpoint of any tree, at any time.
    pub fn sign(&self, size: u64, root: [u8; 32], now: u64) -> Note {
        let checkpoint = Checkpoint { origin: self.key.name().to_owned(), size, root };
        Note::make(checkpoint, &self.key, now, |message| self.signing.sign(message).to_bytes())
    }

    /// Another log under the same key.
    fn forge(&self, asked: &LogAsked, leaves: u64, now: u64) -> Lookup {
        let mut replay = Replay::default();
        for number in 1..leaves {
            let newest = Newest { sequence: number, value: [7; 32] };
            let other = Leaf::Entry { index: [0xee; 32], newest };
            let place = usize::try_from(number).unwrap_or_default() - 1;
            // Invariant: the number goes forward.
            let _ = replay.take(&self.entries.get(place).unwrap_or(&other).encode(), &[]);
        }
        let (map_leaf, heads) = replay.map_leaf(&[], &[]);
        let _ = replay.take(&map_leaf.encode(), &heads);
        let note = self.sign(replay.size(), replay.root(), now);
        let (map_proof, newest) = replay.map().prove(&asked.index.0);
        Lookup {
            checkpoint: note.to_string().into_bytes(),
            consistency: replay.tree().consistency(asked.from, replay.size()).unwrap_or_default(),
            map_leaf: map_leaf.encode(),
            inclusion: replay
                .tree()
                .inclusion(replay.size() - 1, replay.size())
                .unwrap_or_default(),
            map_proof,
            newest,
            beside: beside_of(asked, replay.map()),
        }
    }
}

/// What a map says of the indices that were asked for beside the first.
pub fn beside_of(asked: &LogAsked, map: &Map) -> Vec<Beside> {
    let (indices, _) = asked.beside.0.as_chunks::<32>();
    indices.iter().map(|index| map.prove(index).into()).collect()
}

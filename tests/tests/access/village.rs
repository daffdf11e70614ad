//! An owner, and a structure with a manager and a worker, on a server of this process or outside it.

use std::{cell::RefCell, net::SocketAddr, rc::Rc, sync::Arc};

use anyhow::{Context as _, Result};
use axum::Router;
use reconnect::{Clock, Config};
use reconnect_format::{
    api::{Call, CallBody, FacesOf},
    id::{DocumentId, GrantId, StructureId},
};
use reconnect_tests::{
    browser::{Browser, Exchange, Network, Recording, system_now},
    process::{Process, Setup},
    proxy::Proxy,
    stage::{Database, Person, Server, bytes},
    team::{Member, accept},
    wire::{self, Answer, Connection},
};
use tempfile::TempDir;

/// Where calls go, for tasks that run at one time.
#[derive(Clone)]
pub(crate) enum Target {
    Inside(Router),
    Outside(SocketAddr),
}

impl Target {
    pub(crate) async fn line(&self) -> Result<Line> {
        Ok(match self {
            Self::Inside(router) => Line::Inside(router.clone()),
            Self::Outside(server) => {
                Line::Outside(Box::new(Connection::to(*server).await?), *server)
            }
        })
    }
}

/// One task's way there: outside, a connection that is used again and again.
pub(crate) enum Line {
    Inside(Router),
    Outside(Box<Connection>, SocketAddr),
}

impl Line {
    /// Sends; nothing where the answer was cut.
    pub(crate) async fn send(
        &mut self,
        call: &Call,
        token: Option<&str>,
        range: Option<&str>,
    ) -> Result<Option<Answer>> {
        match self {
            Self::Inside(router) => Ok(wire::inside_of(router, call, token, range).await.ok()),
            Self::Outside(connection, server) => {
                let answer = connection.send_of(call, token, range).await.ok();
                if answer.is_none() {
                    **connection = Connection::to(*server).await?;
                }
                Ok(answer)
            }
        }
    }
}

/// What keeps a server running.
enum Host {
    Inside(Box<Server>),
    Outside {
        _processes: Vec<Process>,
        _folders: Vec<TempDir>,
        _proxy: Option<Proxy>,
        config: Box<Config>,
    },
}

pub(crate) struct Village {
    host: Host,
    network: Rc<RefCell<Network>>,
    clock: Clock,
    recording: Recording,
    pub(crate) target: Target,
    pub(crate) owner: Person,
    pub(crate) manager: Member,
    pub(crate) worker: Member,
    pub(crate) structure_id: StructureId,
}

impl Village {
    pub(crate) async fn inside(database: Database) -> Result<Self> {
        let server = Server::on(database).await?;
        let network = Rc::new(RefCell::new(Network::Inside(server.router())));
        let target = Target::Inside(server.router());
        let clock = server.clock().clone();
        Box::pin(Self::gather(Host::Inside(Box::new(server)), (network, clock), target)).await
    }

    /// On the real program; on `PostgreSQL` on two of them behind a proxy, with one bucket.
    pub(crate) async fn outside(database: Database) -> Result<Self> {
        let folders = vec![tempfile::tempdir()?, tempfile::tempdir()?];
        let (address, processes, proxy, config) = if database == Database::Postgres {
            let (pair, config) = Setup::pair([folders[0].path(), folders[1].path()]).await?;
            let processes = Setup::start_pair(&pair).await?;
            let proxy = Proxy::before(pair.map(|setup| setup.address).to_vec()).await?;
            (proxy.address, Vec::from(processes), Some(proxy), config)
        } else {
            let (setup, config) = Setup::over(folders[0].path(), database).await?;
            (setup.address, vec![setup.start().await?], None, config)
        };
        let network = Rc::new(RefCell::new(Network::Outside(address)));
        let target = Target::Outside(address);
        let config = Box::new(config);
        let host =
            Host::Outside { _processes: processes, _folders: folders, _proxy: proxy, config };
        Box::pin(Self::gather(host, (network, Clock::System(system_now)), target)).await
    }

    async fn gather(
        host: Host,
        (network, clock): (Rc<RefCell<Network>>, Clock),
        target: Target,
    ) -> Result<Self> {
        let recording = Recording::default();
        let come = || {
            let recording = Some(Rc::clone(&recording));
            Person::open(Browser::new(Rc::clone(&network), clock.clone(), recording), true)
        };
        let founding = Member::found(come().await?, "Accueil de jour", "Lyon");
        let mut manager = Box::pin(founding).await?;
        let structure_id = manager.desk.structure_id();
        let config = match &host {
            Host::Inside(server) => server.config().clone(),
            Host::Outside { config, .. } => (**config).clone(),
        };
        accept(config, clock.clone(), structure_id).await?;
        let worker = manager.admit(come().await?, "Paul").await?;
        let owner = come().await?;
        Ok(Self { host, network, clock, recording, target, owner, manager, worker, structure_id })
    }

    /// The server, where it is of this process.
    pub(crate) fn server(&self) -> Result<&Server> {
        match &self.host {
            Host::Inside(server) => Ok(server),
            Host::Outside { .. } => anyhow::bail!("it is another process"),
        }
    }

    pub(crate) fn browser(&self) -> Browser {
        let recording = Some(Rc::clone(&self.recording));
        Browser::new(Rc::clone(&self.network), self.clock.clone(), recording)
    }

    /// A paper that was given, opened, and read.
    pub(crate) async fn give(&mut self, seed: u64, size: usize) -> Result<Given> {
        let from = self.recording.borrow().len();
        let document_id = self.owner.add("Passeport", &bytes(seed, size)).await?;
        let grant_id = self.owner.give(self.structure_id, &[document_id]).await?;
        self.worker.received().await?;
        self.worker.read(grant_id, document_id).await.context("it was given")?;
        let path = format!("/v1/received/{grant_id}");
        let content = format!("{path}/documents/{document_id}/content");
        let faces = FacesOf { grant_ids: vec![grant_id] };
        let mut calls = vec![
            Call::read("/v1/received"),
            Call::send("/v1/received/faces", &faces),
            Call::read(content.clone()),
            Call::read(format!("{path}/documents/{document_id}/thumbnail")),
        ];
        let recording = self.recording.borrow();
        for exchange in recording.iter().skip(from).filter(|it| it.answer.status == 200) {
            let Some(call) = posted(exchange) else { continue };
            if call.path.starts_with(&path)
                && !calls.iter().any(|known: &Call| known.path == call.path)
            {
                calls.push(call);
            }
        }
        Ok(Given { document_id, grant_id, content, calls: calls.into() })
    }

    /// The owner's paper whose content a device of theirs is reading.
    pub(crate) fn own_content(document_id: DocumentId) -> Call {
        Call::read(format!("/v1/documents/{document_id}/content"))
    }
}

/// What a worker reads.
pub(crate) struct Given {
    pub(crate) document_id: DocumentId,
    pub(crate) grant_id: GrantId,
    /// Where its content is.
    pub(crate) content: String,
    /// Everything that a reader asks.
    pub(crate) calls: Arc<[Call]>,
}

fn posted(exchange: &Exchange) -> Option<Call> {
    let path = exchange.head.strip_prefix("POST ")?.split(' ').next()?.to_owned();
    let text = String::from_utf8(exchange.sent.clone()).ok()?;
    Some(Call { method: "POST", path, authorized: true, body: CallBody::Json(text) })
}

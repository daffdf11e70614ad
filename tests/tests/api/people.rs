//! The real program, and people who have lived on it: their sessions, and what they sent.

use std::{cell::RefCell, collections::BTreeMap, net::SocketAddr, rc::Rc};

use anyhow::{Result, ensure};
use reconnect::{Clock, app::ROUTES};
use reconnect_format::{
    api::Call,
    id::{DocumentId, GrantId},
};
use reconnect_tests::{
    browser::{Browser, Network, Recording, system_now},
    process::{Process, Setup},
    stage::{Database, Person},
    team::{Member, accept},
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Bodies of one route that are shown as examples.
const EXAMPLES: usize = 2;

/// A program, and who has lived on it.
pub(crate) struct People {
    recording: Recording,
    owner: Person,
    worker: Member,
    _manager: Member,
    grant_id: GrantId,
    document_id: DocumentId,
    process: Process,
    _folder: TempDir,
}

impl People {
    pub(crate) async fn come(database: Database) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (setup, config) = Setup::over(folder.path(), database).await?;
        let process = setup.start().await?;
        let network = Rc::new(RefCell::new(Network::Outside(process.address())));
        let clock = Clock::System(system_now);
        let recording = Recording::default();
        let browser =
            || Browser::new(Rc::clone(&network), clock.clone(), Some(Rc::clone(&recording)));
        let founder = Person::open(browser(), true).await?;
        let mut manager = Box::pin(Member::found(founder, "Accueil de jour", "Lyon")).await?;
        let structure_id = manager.desk.structure_id();
        accept(config, clock.clone(), structure_id).await?;
        let newcomer = Person::open(browser(), true).await?;
        let mut worker = Box::pin(manager.admit(newcomer, "Paul")).await?;
        let mut owner = Person::open(browser(), true).await?;
        let document_id = owner.add("Passeport", b"what nobody else has").await?;
        let grant_id = owner.give(structure_id, &[document_id]).await?;
        worker.received().await?;
        worker.read(grant_id, document_id).await?;
        worker.deposit(owner.vault.account_id(), b"une attestation").await?;
        manager.invite("Quelqu'un").await?;
        owner.read(document_id).await?;
        Ok(Self {
            recording,
            owner,
            worker,
            _manager: manager,
            grant_id,
            document_id,
            process,
            _folder: folder,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.process.address()
    }

    pub(crate) fn owner(&self) -> &str {
        self.owner.vault.token()
    }

    pub(crate) fn worker(&self) -> &str {
        self.worker.token()
    }

    /// What the program says of itself.
    pub(crate) async fn openapi(&self) -> Result<Value> {
        let call = Call::read("/v1/openapi.json").open();
        let answer = self.owner.browser.send(&call, None).await?;
        ensure!(answer.status == 200, "{}", answer.status);
        Ok(serde_json::from_slice(&answer.body)?)
    }

    /// The same with what these people sent and named, as examples.
    pub(crate) fn fill_in(&self, openapi: &Value) -> Value {
        let mut filled = openapi.clone();
        for exchange in self.recording.borrow().iter().filter(|it| it.answer.status < 300) {
            let mut words = exchange.head.split(' ');
            let (Some(method), Some(path)) = (words.next(), words.next()) else { continue };
            let path = path.split('?').next().unwrap_or_default();
            let found = ROUTES.iter().find_map(|route| {
                (route.method == method).then_some(())?;
                Some((route, named(route.path, path)?))
            });
            let Some((route, names)) = found else { continue };
            let place = route.path.replace("{*", "{").replace('/', "~1");
            let place = format!("/paths/{place}/{}", method.to_lowercase());
            let Some(operation) = filled.pointer_mut(&place) else { continue };
            show_names(operation, &names);
            if let Ok(body) = serde_json::from_slice::<Value>(&exchange.sent) {
                show_body(operation, &body);
            }
        }
        filled
    }

    /// After all that, everything is there for whom it is.
    pub(crate) async fn are_well(mut self) -> Result<()> {
        let browser = &self.owner.browser;
        // Their sessions may have been ended.
        let vault = self.owner.with_words(browser, true).await?;
        let owner = self.owner.at(self.owner.browser.copied(), vault);
        let read = owner.read(self.document_id).await?;
        ensure!(read == b"what nobody else has", "a paper is another");
        self.worker.come_in_again().await?;
        self.worker.look().await?;
        let given = self.worker.open_and_read(self.grant_id, self.document_id).await?;
        ensure!(given == read, "what was given is another");
        Ok(())
    }
}

/// What a path names, if it is of this route.
fn named<'a>(route: &'a str, path: &'a str) -> Option<BTreeMap<&'a str, &'a str>> {
    let (mut of, mut parts) = (route.split('/'), path.split('/'));
    let mut names = BTreeMap::new();
    loop {
        match (of.next(), parts.next()) {
            (None, None) => return Some(names),
            (Some(of), Some(part)) => {
                match of.strip_prefix('{').and_then(|it| it.strip_suffix('}')) {
                    Some(name) => {
                        names.insert(name, part);
                    }
                    None if of == part => {}
                    None => return None,
                }
            }
            _ => return None,
        }
    }
}

fn show_names(operation: &mut Value, names: &BTreeMap<&str, &str>) {
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap_or_default().to_owned();
        if let Some(value) = names.get(name.as_str()) {
            let number = value.parse::<u64>();
            parameter["example"] = number.map_or_else(|_| json!(value), |it| json!(it));
        }
    }
}

fn show_body(operation: &mut Value, body: &Value) {
    let Some(content) = operation.pointer_mut("/requestBody/content/application~1json") else {
        return;
    };
    if content.get("examples").is_none() {
        content["examples"] = json!({});
    }
    if let Some(examples) = content["examples"].as_object_mut()
        && examples.len() < EXAMPLES
    {
        examples.insert(format!("sent{}", examples.len()), json!({ "value": body }));
    }
}

//! A browser on the stage: the world in which the core runs, with a network that can be cut.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    net::SocketAddr,
    rc::Rc,
};

use axum::Router;
use getrandom::SysRng;
use rand_core::UnwrapErr;
use reconnect::Clock;
use reconnect_core::world::{ShipError, World};
use reconnect_format::api::{Call, CallBody};

use crate::wire::{self, Answer};

/// Where calls go.
#[derive(Clone)]
pub enum Network {
    /// Nowhere: the server is down.
    Down,
    /// Into a router of this process.
    Inside(Router),
    /// To a server outside it.
    Outside(SocketAddr),
}

/// What went over the wire, in order.
pub type Recording = Rc<RefCell<Vec<Exchange>>>;

/// One call and its answer, as bytes.
pub struct Exchange {
    /// Method, path and token.
    pub head: String,
    /// What was sent.
    pub sent: Vec<u8>,
    /// What came back.
    pub answer: Answer,
}

/// When a connection breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Before the call arrives.
    Call,
    /// After it was obeyed, before its answer arrives.
    Answer,
}

/// A browser.
pub struct Browser {
    network: Rc<RefCell<Network>>,
    clock: Clock,
    kept: RefCell<BTreeMap<String, Vec<u8>>>,
    recording: Option<Recording>,
    cut: RefCell<Option<(Cut, String)>>,
    shipped: Cell<usize>,
}

impl Browser {
    /// A new one: nothing is kept on it.
    pub fn new(network: Rc<RefCell<Network>>, clock: Clock, recording: Option<Recording>) -> Self {
        Self {
            network,
            clock,
            kept: RefCell::default(),
            recording,
            cut: RefCell::default(),
            shipped: Cell::new(0),
        }
    }

    /// Breaks the connection once, at the next call whose method and path contain `what`.
    pub fn cut(&self, when: Cut, what: &str) {
        *self.cut.borrow_mut() = Some((when, what.to_owned()));
    }

    /// How many calls were made.
    pub fn shipped(&self) -> usize {
        self.shipped.get()
    }

    /// What is kept on this device.
    pub fn kept_names(&self) -> Vec<String> {
        self.kept.borrow().keys().cloned().collect()
    }

    /// Sends a call and gives whatever comes back.
    pub async fn send(&self, call: &Call, token: Option<&str>) -> Result<Answer, ShipError> {
        self.shipped.set(self.shipped.get() + 1);
        let cut = self.cut_for(call);
        if cut == Some(Cut::Call) {
            return Err(ShipError::Offline);
        }
        let network = self.network.borrow().clone();
        let answer = match network {
            Network::Down => return Err(ShipError::Offline),
            Network::Inside(router) => wire::inside(&router, call, token).await,
            Network::Outside(server) => wire::outside(server, call, token).await,
        }
        .map_err(|_| ShipError::Offline)?;
        if let Some(recording) = &self.recording {
            let sent = match &call.body {
                CallBody::Empty => Vec::new(),
                CallBody::Json(text) => text.clone().into_bytes(),
                CallBody::Bytes(bytes) => bytes.clone(),
            };
            let head = format!("{} {} {token:?}", call.method, call.path);
            recording.borrow_mut().push(Exchange { head, sent, answer: answer.clone() });
        }
        if cut == Some(Cut::Answer) { Err(ShipError::Offline) } else { Ok(answer) }
    }

    fn cut_for(&self, call: &Call) -> Option<Cut> {
        let mut cut = self.cut.borrow_mut();
        let line = format!("{} {}", call.method, call.path);
        let (when, _) = cut.take_if(|(_, what)| line.contains(what.as_str()))?;
        Some(when)
    }
}

impl World for Browser {
    type Rng = UnwrapErr<SysRng>;

    fn rng(&self) -> Self::Rng {
        UnwrapErr(SysRng)
    }

    fn now(&self) -> u64 {
        self.clock.now()
    }

    async fn ship(&self, call: Call, token: Option<&str>) -> Result<Vec<u8>, ShipError> {
        let answer = self.send(&call, token).await?;
        if (200..300).contains(&answer.status) {
            return Ok(answer.body);
        }
        match serde_json::from_slice(&answer.body) {
            Ok(problem) => Err(ShipError::Problem(problem)),
            Err(_) => Err(ShipError::Unreadable),
        }
    }

    async fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), ShipError> {
        self.kept.borrow_mut().insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }

    async fn kept(&self, name: &str) -> Option<Vec<u8>> {
        self.kept.borrow().get(name).cloned()
    }

    async fn forget(&self, name: &str) {
        self.kept.borrow_mut().remove(name);
    }
}

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
use reconnect_core::{
    log::Release,
    world::{ShipError, World},
};
use reconnect_format::api::{Call, CallBody, Submission};

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
    /// The same; where it does not answer, the same call again until it does.
    Patient(SocketAddr),
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
    /// While the call is on its way: it arrives when [`Browser::let_through`] says so.
    OnItsWay,
}

/// What a server answers in place of the truth: given a call and the true answer's body.
type Lie = Box<dyn Fn(&Call, Vec<u8>) -> Vec<u8>>;

/// A browser.
pub struct Browser {
    network: Rc<RefCell<Network>>,
    clock: Clock,
    release: Release,
    kept: RefCell<BTreeMap<String, Vec<u8>>>,
    recording: Option<Recording>,
    cuts: RefCell<Vec<(Cut, String)>>,
    on_its_way: RefCell<Vec<(Call, Option<String>)>>,
    shipped: Cell<usize>,
    acked: Cell<usize>,
    submissions: RefCell<Vec<Vec<u8>>>,
    lies: RefCell<Vec<Lie>>,
}

/// The system's time, which a program outside this process has too.
#[expect(clippy::disallowed_methods, reason = "a program under test asks the system for the time")]
pub fn system_now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |passed| passed.as_secs())
}

/// A browser that speaks to a server outside this process, by the system's clock.
pub fn outside(server: SocketAddr) -> Browser {
    let network = Rc::new(RefCell::new(Network::Outside(server)));
    Browser::new(network, Clock::System(system_now), None)
}

/// The same, which waits for a server that is away, and then asks again with the same bytes.
pub fn patient(server: SocketAddr) -> Browser {
    let network = Rc::new(RefCell::new(Network::Patient(server)));
    Browser::new(network, Clock::System(system_now), None)
}

impl Browser {
    /// A new one: nothing is kept on it.
    pub fn new(network: Rc<RefCell<Network>>, clock: Clock, recording: Option<Recording>) -> Self {
        Self {
            network,
            clock,
            release: Release::default(),
            kept: RefCell::default(),
            recording,
            cuts: RefCell::default(),
            on_its_way: RefCell::default(),
            shipped: Cell::new(0),
            acked: Cell::new(0),
            submissions: RefCell::default(),
            lies: RefCell::default(),
        }
    }

    /// Another release of the page, which names the log, or its witnesses.
    #[must_use]
    pub fn believing(mut self, release: Release) -> Self {
        self.release = release;
        self
    }

    /// On a computer whose clock says something else.
    #[must_use]
    pub fn at_time(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Its clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Another browser with everything that is kept on this one: a stolen profile.
    #[must_use]
    pub fn copied(&self) -> Self {
        let copy = Self::new(Rc::clone(&self.network), self.clock.clone(), self.recording.clone());
        copy.kept.replace(self.kept.borrow().clone());
        copy
    }

    /// Breaks the connection once, at the next call whose method and path contain `what`. Asked for
    /// several times, it breaks as often.
    pub fn cut(&self, when: Cut, what: &str) {
        self.cuts.borrow_mut().push((when, what.to_owned()));
    }

    /// From now on the server lies to this browser, in the bodies of answers that are no refusals.
    pub fn lie(&self, lie: impl Fn(&Call, Vec<u8>) -> Vec<u8> + 'static) {
        self.lies.borrow_mut().push(Box::new(lie));
    }

    /// From now on the server tells this browser the truth.
    pub fn hear_the_truth(&self) {
        self.lies.borrow_mut().clear();
    }

    /// The same profile on a second computer: what was kept here is kept there too.
    #[must_use]
    pub fn cloned(&self) -> Self {
        let copy = Self::new(Rc::clone(&self.network), self.clock.clone(), self.recording.clone())
            .believing(self.release.clone());
        copy.kept.replace(self.kept.borrow().clone());
        copy
    }

    /// What was on its way arrives; nobody waits for the answers any more.
    pub async fn let_through(&self) -> Result<(), ShipError> {
        let calls = self.on_its_way.take();
        for (call, token) in calls {
            self.send(&call, token.as_deref()).await?;
        }
        Ok(())
    }

    /// What is on its way first.
    pub fn on_its_way(&self) -> Option<Call> {
        self.on_its_way.borrow().first().map(|(call, _)| call.clone())
    }

    /// What is on its way first never arrives, and nothing else that is; nothing is cut any more.
    pub fn lose(&self) -> Option<Call> {
        self.cuts.borrow_mut().clear();
        let lost = self.on_its_way.take();
        lost.into_iter().next().map(|(call, _)| call)
    }

    /// Every statement of an owner that left this browser, whether or not it arrived; the same
    /// bytes once.
    pub fn signed(&self) -> Vec<Vec<u8>> {
        let submissions = self.submissions.borrow();
        let mut signed: Vec<_> = submissions
            .iter()
            .filter_map(|body| serde_json::from_slice::<Submission>(body).ok())
            .map(|submission| submission.statement.0)
            .collect();
        signed.sort_unstable();
        signed.dedup();
        signed
    }

    /// How many calls were made.
    pub fn shipped(&self) -> usize {
        self.shipped.get()
    }

    /// How many calls that write were acknowledged.
    pub fn acked(&self) -> usize {
        self.acked.get()
    }

    /// What is kept on this device.
    pub fn kept_names(&self) -> Vec<String> {
        self.kept.borrow().keys().cloned().collect()
    }

    /// Sends a call and gives whatever comes back.
    pub async fn send(&self, call: &Call, token: Option<&str>) -> Result<Answer, ShipError> {
        self.shipped.set(self.shipped.get() + 1);
        if let ("/v1/statements", CallBody::Json(body)) = (call.path.as_str(), &call.body) {
            self.submissions.borrow_mut().push(body.clone().into_bytes());
        }
        let cut = self.cut_for(call);
        if cut == Some(Cut::OnItsWay) {
            self.on_its_way.borrow_mut().push((call.clone(), token.map(str::to_owned)));
        }
        if matches!(cut, Some(Cut::Call | Cut::OnItsWay)) {
            return Err(ShipError::Offline);
        }
        let network = self.network.borrow().clone();
        let mut answer = match network {
            Network::Down => return Err(ShipError::Offline),
            Network::Inside(router) => wire::inside(&router, call, token).await,
            Network::Outside(server) => wire::outside(server, call, token).await,
            Network::Patient(server) => wire::in_the_end(server, call, token).await,
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
        if answer.status < 300 {
            self.acked.set(self.acked.get() + usize::from(call.method != "GET"));
            let lies = self.lies.borrow();
            answer.body = lies.iter().fold(answer.body, |body, lie| lie(call, body));
        }
        if cut == Some(Cut::Answer) { Err(ShipError::Offline) } else { Ok(answer) }
    }

    fn cut_for(&self, call: &Call) -> Option<Cut> {
        let mut cuts = self.cuts.borrow_mut();
        let line = format!("{} {}", call.method, call.path);
        let place = cuts.iter().position(|(_, what)| line.contains(what.as_str()))?;
        Some(cuts.remove(place).0)
    }
}

impl World for Browser {
    type Rng = UnwrapErr<SysRng>;

    fn rng(&self) -> Self::Rng {
        UnwrapErr(SysRng)
    }

    fn release(&self) -> &Release {
        &self.release
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

//! What each figure is called and says: registered and described in one place.

use std::fmt::Write as _;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{MetricType, TypedMetric, family::Family, gauge::Gauge},
    registry::{Metric, Registry},
};

use super::{Metrics, Transactions};

/// One figure, as the documents describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// Its name, as it is given out.
    pub name: String,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it says.
    pub meaning: &'static str,
}

/// Which program this is.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Version {
    version: &'static str,
}

/// A registry that remembers what was registered.
#[derive(Default)]
pub(super) struct Book {
    pub(super) registry: Registry,
    pub(super) figures: Vec<Figure>,
}

impl Book {
    fn add<M: Metric + TypedMetric + Clone>(
        &mut self,
        (name, labels): (&'static str, &'static [&'static str]),
        meaning: &'static str,
        metric: &M,
    ) {
        let (kind, end) = match M::TYPE {
            MetricType::Counter => ("counter", "_total"),
            MetricType::Histogram => ("histogram", ""),
            _ => ("gauge", ""),
        };
        // The text ends what it says with a point by itself.
        self.registry.register(name, meaning.trim_end_matches('.'), metric.clone());
        self.figures.push(Figure { name: format!("{name}{end}"), kind, labels, meaning });
    }
}

impl Metrics {
    /// Registers everything.
    pub(super) fn describe(&self, transactions: &Transactions, book: &mut Book) {
        self.of_network(book);
        self.of_work(book);
        of_database(transactions, book);
        self.of_disk_and_log(book);
        self.of_scrub(book);
        self.of_program(book);
    }

    fn of_network(&self, book: &mut Book) {
        let (traffic, shown) = (&self.traffic, &self.shown);
        book.add(
            ("reconnect_requests", &["route", "method", "status"]),
            "Requests that were answered, by the route as the table of routes writes it and the first digit of the \
             answer's status; `page` is everything that is no route.",
            &self.answers,
        );
        book.add(
            ("reconnect_request_seconds", &["route", "method"]),
            "From a request's head to its answer's head.",
            &self.seconds,
        );
        book.add(
            ("reconnect_requests_under_way", &[]),
            "Requests that are being answered, and those whose answer still leaves.",
            &shown.requests,
        );
        book.add(("reconnect_connections", &[]), "Connections that are open.", &shown.connections);
        book.add(
            ("reconnect_connections_put_out", &[]),
            "Connections that had waited longest and made place for others.",
            &shown.put_out,
        );
        book.add(
            ("reconnect_connections_turned_away", &[]),
            "Connections that were closed at once: every place was taken by a request.",
            &shown.turned_away,
        );
        book.add(
            ("reconnect_received_bytes", &[]),
            "Bytes that came over connections, heads among them.",
            &traffic.received,
        );
        book.add(
            ("reconnect_sent_bytes", &[]),
            "Bytes that left over connections, heads among them.",
            &traffic.sent,
        );
    }

    fn of_work(&self, book: &mut Book) {
        book.add(
            ("reconnect_unlock_refusals", &["reason"]),
            "Unlockings that were refused: `too_many` where too many were tried, `busy` where there was no place, \
             `refused` for what is no such request. Words that are wrong are noticed on the device, and count as tries.",
            &self.refusals,
        );
        book.add(
            ("reconnect_upload_parts_under_way", &[]),
            "Parts of uploads that are arriving.",
            &self.shown.parts,
        );
        book.add(
            ("reconnect_panics", &[]),
            "Panics, each a mistake in the program: the log says where.",
            &self.shown.panics,
        );
        book.add(
            ("reconnect_sweeps", &["outcome"]),
            "Sweeps, which remove what is over: `done` or `failed`.",
            &self.sweeps,
        );
        book.add(("reconnect_sweep_seconds", &[]), "How long sweeps took.", &self.sweep_seconds);
    }

    fn of_disk_and_log(&self, book: &mut Book) {
        let shown = &self.shown;
        book.add(
            ("reconnect_disk_free_bytes", &[]),
            "Bytes that are free on the disk of the data folder.",
            &shown.free,
        );
        book.add(
            ("reconnect_disk_reserve_bytes", &[]),
            "Below this uploads are refused: RECONNECT_RESERVE_BYTES.",
            &shown.reserve,
        );
        book.add(
            ("reconnect_disk_ballast", &[]),
            "1 while the ballast lies on the disk, 0 when it was given up because the disk was full.",
            &shown.ballast,
        );
        book.add(
            ("reconnect_log_size", &[]),
            "Leaves of the transparency log, as its newest checkpoint says.",
            &shown.log_size,
        );
        book.add(
            ("reconnect_log_witnessed_size", &[]),
            "The same of the newest that enough witnesses have cosigned, or of the newest where none are waited for.",
            &shown.log_witnessed,
        );
        book.add(
            ("reconnect_log_checkpoint_age_seconds", &[]),
            "Since the newest checkpoint was signed; it is signed again every ten minutes.",
            &shown.log_age,
        );
        book.add(
            ("reconnect_log_waiting", &[]),
            "What was acknowledged and waits for the log.",
            &shown.log_waiting,
        );
    }

    fn of_scrub(&self, book: &mut Book) {
        book.add(
            ("reconnect_scrub_damaged", &[]),
            "Things that were not as they came when they were last read again; the log says their kinds, and `reconnect \
             verify` which they are.",
            &self.shown.damaged,
        );
        book.add(
            ("reconnect_scrub_oldest_seconds", &[]),
            "Since what was read longest ago was read again, or since the program started where not all was yet: about \
             RECONNECT_SCRUB_SECONDS. 0 where that is 0.",
            &self.shown.unread,
        );
        book.add(
            ("reconnect_scrub_slices", &["outcome"]),
            "Slices of what is stored that were read again, of 258: `done`, or `failed` where something was away.",
            &self.scrubs,
        );
        book.add(
            ("reconnect_scrub_bytes", &[]),
            "Bytes of sealed content that were read again.",
            &self.scrubbed_bytes,
        );
    }

    fn of_program(&self, book: &mut Book) {
        let build = Family::<Version, Gauge>::default();
        build.get_or_create(&Version { version: env!("CARGO_PKG_VERSION") }).set(1);
        let said = "Always 1, with the version of the program.";
        book.add(("reconnect_build_info", &["version"]), said, &build);
        book.add(
            ("process_resident_memory_bytes", &[]),
            "Memory that the program has.",
            &self.shown.memory,
        );
        book.add(
            ("process_start_time_seconds", &[]),
            "When the program started, in seconds since 1970.",
            &self.shown.started,
        );
    }
}

fn of_database(transactions: &Transactions, book: &mut Book) {
    book.add(
        ("reconnect_transactions", &["name", "outcome"]),
        "Transactions of the database by their name in the source: `kept`, or `undone` for a refusal or a failure.",
        &transactions.ended,
    );
    book.add(
        ("reconnect_transaction_retries", &["name"]),
        "Attempts beyond the first: the transaction lost a race, or was to be committed alone.",
        &transactions.again,
    );
    book.add(
        ("reconnect_transaction_seconds", &[]),
        "How long transactions took, with all their attempts and with waiting for their turn.",
        &transactions.seconds,
    );
}

/// Every figure, in the order in which they are given out.
pub fn figures() -> Vec<Figure> {
    Metrics::new(&Transactions::default(), 0, 0).figures
}

/// The table of all figures, for people.
pub fn reference() -> String {
    let mut table = "| figure | kind | labels | what it says |\n|---|---|---|---|\n".to_owned();
    for it in figures() {
        let labels: Vec<_> = it.labels.iter().map(|label| format!("`{label}`")).collect();
        let (name, kind, labels) = (it.name, it.kind, labels.join(", "));
        // A string takes whatever is written to it.
        let _ = writeln!(table, "| `{name}` | {kind} | {labels} | {} |", it.meaning);
    }
    table
}

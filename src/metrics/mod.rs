//! The Prometheus endpoint: figures of the shards as text over HTTP.
//!
//! One cold thread, on a cpu that no shard is pinned to, asks each source once a second and serves what it heard.
//! Nothing here reaches into a shard: sources read what shards publish.

mod exchanges;
mod feeds;
mod shards;

use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use metrics::{Key, Label, Level, Metadata, Recorder, SharedString, Unit};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};

use crate::cpus;
use crate::failure::Failure;
use crate::stop::Stop;

pub use exchanges::ExchangeFigures;
pub use feeds::FeedFigures;
pub use shards::ShardFigures;

/// How a figure moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only up, from zero at start. Its name ends in `_total`.
    Counter,
    /// Up and down.
    Gauge,
}

/// One figure, before its labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figure {
    /// `rialto_..`, with its unit: `rialto_shard_busy_nanoseconds_total`. A whole number: no rounding on the way.
    pub name: &'static str,
    /// What it is, for the HELP line.
    pub help: &'static str,
    /// How it moves.
    pub kind: Kind,
}

impl Figure {
    /// One whose name says how it moves.
    fn named(name: &'static str, help: &'static str) -> Self {
        let kind = if name.ends_with("_total") { Kind::Counter } else { Kind::Gauge };
        Self { name, help, kind }
    }
}

/// Takes a figure's value, with the labels that tell it from its namesakes.
pub type Give<'a> = dyn FnMut(&Figure, &[(&'static str, &str)], u64) + 'a;

/// A source of figures, asked once a second on the cold thread.
pub trait Figures: Send {
    /// All the figures it may give, once, for their HELP lines.
    fn all(&self) -> Vec<Figure>;

    /// Gives each figure's value.
    fn read(&mut self, give: &mut Give<'_>);
}

/// A running endpoint. Dropping it stops it and waits for its thread.
#[derive(Debug)]
pub struct Endpoint {
    address: SocketAddr,
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

/// How often the sources are asked, and the endpoint looks whether to stop.
const ASK_EVERY: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Serves `sources` at `address`, from a thread pinned to `cpu`. It listens when this returns.
///
/// # Errors
/// An address that cannot be listened on, a thread that cannot be started.
pub fn serve(
    address: SocketAddr,
    cpu: Option<u32>,
    sources: Vec<Box<dyn Figures>>,
) -> Result<Endpoint, Failure> {
    let stop = Stop::new();
    let seen = stop.clone();
    let (ready, started) = mpsc::sync_channel(1);
    let thread = thread::Builder::new().name("rialto-metrics".to_owned()).spawn(move || {
        cpus::pin(cpu);
        let outcome = run(address, sources, &seen, &ready);
        if let Err(error) = outcome {
            // The receiver is gone once the endpoint is up; a failure after that has nobody to hear it.
            let _ = ready.send(Err(error));
        }
    });
    let thread = thread
        .map_err(|error| Failure::failed(format!("cannot start the metrics thread: {error}")))?;
    let refused = |why: String| {
        Failure::failed(format!("cannot serve metrics on {address}: {why}"))
            .remedy("choose another address in [metrics] listen, or remove the table")
    };
    match started.recv() {
        Ok(Ok(())) => Ok(Endpoint { address, stop, thread: Some(thread) }),
        Ok(Err(why)) => Err(refused(why)),
        Err(mpsc::RecvError) => Err(refused("its thread ended".to_owned())),
    }
}

impl Endpoint {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.stop.request();
        if let Some(thread) = self.thread.take() {
            // It panicked: it said so on standard error, and nothing depends on it.
            let _ = thread.join();
        }
    }
}

type Ready = mpsc::SyncSender<Result<(), String>>;

fn run(
    address: SocketAddr,
    mut sources: Vec<Box<dyn Figures>>,
    stop: &Stop,
    ready: &Ready,
) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let built = PrometheusBuilder::new().with_http_listener(address).build();
        let (recorder, exporter) = built.map_err(|error| plain(&error.to_string()))?;
        let serving = tokio::spawn(exporter);
        for figure in sources.iter().flat_map(|source| source.all()) {
            describe(&recorder, &figure);
        }
        ask(&recorder, &mut sources);
        // Nobody waits any more where the starter gave up.
        let _ = ready.send(Ok(()));
        let mut since = Duration::ZERO;
        while !stop.requested() && !serving.is_finished() {
            tokio::time::sleep(LOOK_EVERY).await;
            since += LOOK_EVERY;
            if ASK_EVERY <= since {
                since = Duration::ZERO;
                ask(&recorder, &mut sources);
            }
        }
        if serving.is_finished() {
            tracing::warn!(%address, "the metrics endpoint stopped serving");
        }
        serving.abort();
        Ok(())
    })
}

/// Without what the library says before it and the number behind it.
fn plain(error: &str) -> String {
    let text = error.strip_prefix("failed to create HTTP listener: ").unwrap_or(error);
    text.split(" (os error").next().unwrap_or(text).to_lowercase()
}

fn describe(recorder: &PrometheusRecorder, figure: &Figure) {
    let help = SharedString::const_str(figure.help);
    match figure.kind {
        Kind::Counter => recorder.describe_counter(figure.name.into(), None::<Unit>, help),
        Kind::Gauge => recorder.describe_gauge(figure.name.into(), None::<Unit>, help),
    }
}

fn ask(recorder: &PrometheusRecorder, sources: &mut [Box<dyn Figures>]) {
    let metadata = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));
    for source in sources {
        source.read(&mut |figure, labels, value| {
            let labels: Vec<Label> =
                labels.iter().map(|(name, value)| Label::new(*name, (*value).to_owned())).collect();
            let key = Key::from_parts(figure.name, labels);
            match figure.kind {
                Kind::Counter => recorder.register_counter(&key, &metadata).absolute(value),
                // Exact below 2^53, and nothing we count comes near.
                Kind::Gauge => recorder.register_gauge(&key, &metadata).set(value as f64),
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{Figure, Figures, Give, Kind, serve};
    use std::io::{Read as _, Write as _};
    use std::net::{SocketAddr, TcpListener, TcpStream};

    struct Two;

    const SEEN: Figure =
        Figure { name: "rialto_test_seen_total", help: "Seen so far.", kind: Kind::Counter };
    const DEPTH: Figure =
        Figure { name: "rialto_test_depth", help: "Waiting now.", kind: Kind::Gauge };

    impl Figures for Two {
        fn all(&self) -> Vec<Figure> {
            vec![SEEN, DEPTH]
        }

        fn read(&mut self, give: &mut Give<'_>) {
            give(&SEEN, &[("shard", "s0")], 7);
            give(&SEEN, &[("shard", "s1")], 9);
            give(&DEPTH, &[], 3);
        }
    }

    fn get(address: SocketAddr) -> String {
        let mut stream = TcpStream::connect(address).expect("it listens");
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .expect("it reads");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("it answers");
        text
    }

    /// A port that was free a moment ago.
    fn free() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("its address")
    }

    #[test]
    fn figures_are_served_with_help_type_and_labels() {
        let endpoint = serve(free(), None, vec![Box::new(Two)]).expect("it serves");
        let text = get(endpoint.address());
        for line in [
            "# HELP rialto_test_seen_total Seen so far.",
            "# TYPE rialto_test_seen_total counter",
            "rialto_test_seen_total{shard=\"s0\"} 7",
            "rialto_test_seen_total{shard=\"s1\"} 9",
            "# TYPE rialto_test_depth gauge",
            "rialto_test_depth 3",
        ] {
            assert!(text.contains(line), "no `{line}` in {text}");
        }
        let address = endpoint.address();
        drop(endpoint);
        assert!(TcpStream::connect(address).is_err(), "still listening after the drop");
    }

    #[test]
    fn an_address_in_use_is_a_clear_failure() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = taken.local_addr().expect("its address");
        let failure = serve(address, None, Vec::new()).expect_err("taken");
        assert_eq!(
            failure.to_string(),
            format!(
                "cannot serve metrics on {address}: address already in use\n  choose another address in [metrics] listen, or remove the table"
            )
        );
    }
}

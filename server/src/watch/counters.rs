//! What is counted while the server runs. To count is one atomic addition, or for a request a look
//! into a table of routes.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::sync::Notify;
use wardkey_core::time::UnixTime;

/// Route and status of a request. Routes are those of the table, so there are few.
type Answered = [(&'static str, String); 2];

/// What is counted since the start.
#[derive(Debug, Default)]
pub struct Counters {
    requests: Family<Answered, Counter>,
    accepted: Counter,
    set_aside: Counter,
    latest: Gauge,
    waiting: Gauge,
    alarm: Notify,
}

/// A request that is held; it counts until this is dropped.
#[derive(Debug)]
pub struct Held(Gauge);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Counters {
    /// A request was answered; `route` is none for a path that there is not.
    pub fn request(&self, route: Option<&str>, status: u16) {
        let labels =
            [("route", route.unwrap_or("none").to_owned()), ("status", status.to_string())];
        self.requests.get_or_create(&labels).inc();
    }

    /// A batch of records was answered.
    pub fn records(&self, accepted: usize, set_aside: usize, now: UnixTime) {
        self.accepted.inc_by(accepted as u64);
        self.set_aside.inc_by(set_aside as u64);
        if accepted > 0 {
            self.latest.set(i64::try_from(now.0).unwrap_or(i64::MAX));
        }
    }

    /// Something happened of which whoever runs the server is told at once.
    pub fn alarm(&self) {
        self.alarm.notify_one();
    }

    /// Waits for that.
    pub(super) async fn alarmed(&self) {
        self.alarm.notified().await;
    }

    /// A request is held until there is news.
    pub fn wait(&self) -> Held {
        self.waiting.inc();
        Held(self.waiting.clone())
    }

    /// Puts them among the measures.
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "requests",
            "Requests of terminals and of administrators, answered",
            self.requests.clone(),
        );
        let help = "Records of terminals that are stored now or were before";
        registry.register("records_accepted", help, self.accepted.clone());
        let help = "Records of terminals that were not taken, and kept as they came";
        registry.register("records_set_aside", help, self.set_aside.clone());
        let help = "When a record was last accepted, Unix seconds; 0 for none since the start";
        registry.register("records_latest_timestamp_seconds", help, self.latest.clone());
        let help = "Requests that are held until there is news for their terminal";
        registry.register("requests_held", help, self.waiting.clone());
    }
}

//! All that is counted, as Prometheus reads it (text format 0.0.4). What every name means is in docs/metrics.md; a test
//! holds that table, the dashboard and the alerts against what is written here.

use std::fmt;

use latchkey::Latchkey;
use latchkey::clock::Timestamp;
use latchkey::metrics::{Counts, Labels, Seen};
use latchkey::store::failures;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, MetricEncoder, NoLabelSet, prometheus_text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::process::{self, Process};
use super::requests::Requests;

/// How the outbox stands: how many mails wait, and for how many seconds the oldest of them has.
pub(super) type Outbox = (u64, f64);

/// What is shown at one look.
pub(super) struct Look {
    pub latchkey: Latchkey,
    pub requests: std::sync::Arc<Requests>,
    pub began: Timestamp,
    /// `None`: the database did not answer.
    pub outbox: Option<Outbox>,
}

impl fmt::Debug for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Look")
    }
}

/// All of it as text.
pub(super) fn written(look: Look) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(look));
    let mut text = String::new();
    // Writing into a text does not fail.
    let _ = prometheus_text::encode(&mut text, &registry);
    text
}

impl Collector for Look {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page(encoder);
        self.core(&mut page)?;
        self.hashing(&mut page)?;
        self.database(&mut page)?;
        self.requests(&mut page)?;
        self.process(&mut page, &process::read())
    }
}

impl Look {
    fn core(&self, page: &mut Page<'_>) -> fmt::Result {
        let metrics = self.latchkey.metrics();
        page.counts(("latchkey_sign_ins", "Sign-ins, by way in and outcome"), ["way", "outcome"], metrics.sign_ins())?;
        page.counts(
            (
                "latchkey_authentications",
                "Checks of credentials, by what was shown, outcome and where it was looked up",
            ),
            ["credential", "outcome", "source"],
            metrics.authentications(),
        )?;
        page.counts(
            ("latchkey_verifications", "Answers to other services, by call, outcome and where it was looked up"),
            ["call", "outcome", "source"],
            metrics.verifications(),
        )?;
        page.counts(("latchkey_limits_reached", "Calls refused by a limit, by limit"), ["limit"], metrics.limits())?;
        page.counts(("latchkey_mails", "Tries to send a mail, by outcome"), ["outcome"], metrics.mails())
    }

    fn hashing(&self, page: &mut Page<'_>) -> fmt::Result {
        let load = self.latchkey.hashing();
        page.gauge(("latchkey_hash_waiting", "Passwords that wait to be hashed or are being hashed"), load.waiting())?;
        page.gauge(("latchkey_hash_places", "How many can wait or be hashed; more are refused"), load.places())?;
        page.counter(("latchkey_hash_refused", "Passwords refused because no place was free"), load.refused())?;
        let about = ("latchkey_hash_duration_seconds", "Time that one hash took, without the waiting");
        page.family(about, MetricType::Histogram, |family| histogram(family, &load.took()))
    }

    fn database(&self, page: &mut Page<'_>) -> fmt::Result {
        let (away, refused) = failures();
        page.gauge(
            ("latchkey_database_up", "Whether the database answered just now"),
            u32::from(self.outbox.is_some()),
        )?;
        page.family(
            ("latchkey_database_failures", "What the database did not do, by reason"),
            MetricType::Counter,
            |family| {
                counted(family, &[("reason", "away")], away)?;
                counted(family, &[("reason", "error")], refused)
            },
        )?;
        let pools = self.latchkey.connections();
        page.family(
            ("latchkey_database_connections", "Connections to the database, by use and state"),
            MetricType::Gauge,
            |family| {
                for pool in &pools {
                    let busy = pool.open.saturating_sub(pool.idle);
                    levelled(family, &[("pool", pool.name), ("state", "busy")], busy)?;
                    levelled(family, &[("pool", pool.name), ("state", "idle")], pool.idle)?;
                }
                Ok(())
            },
        )?;
        page.family(
            ("latchkey_database_connections_most", "Most connections to the database, by use"),
            MetricType::Gauge,
            |family| pools.iter().try_for_each(|pool| levelled(family, &[("pool", pool.name)], pool.most)),
        )?;
        let waiting = self.outbox.map(|(waiting, _)| waiting);
        page.maybe(("latchkey_mails_waiting", "Mails in the outbox that are to be sent"), waiting)?;
        let oldest = self.outbox.map(|(_, oldest)| oldest);
        page.maybe(("latchkey_mail_oldest_seconds", "Age of the oldest mail that waits; 0 without one"), oldest)
    }

    fn requests(&self, page: &mut Page<'_>) -> fmt::Result {
        let routes = self.requests.routes();
        page.family(
            ("latchkey_http_requests", "Requests, by method, template of the route and status"),
            MetricType::Counter,
            |family| {
                for route in &routes {
                    for (method, status, count) in route.answers() {
                        let status = status.to_string();
                        counted(
                            family,
                            &[("method", method), ("route", route.template()), ("status", &status)],
                            count,
                        )?;
                    }
                }
                Ok(())
            },
        )?;
        page.family(
            ("latchkey_http_request_duration_seconds", "Time until the answer, by template of the route"),
            MetricType::Histogram,
            |family| {
                routes.iter().try_for_each(|route| {
                    histogram(&mut family.encode_family(&[("route", route.template())])?, &route.took())
                })
            },
        )?;
        page.gauge(
            ("latchkey_http_requests_in_flight", "Requests that are being answered"),
            self.requests.in_flight().read(),
        )?;
        page.gauge(("latchkey_http_connections", "Connections that are open"), self.requests.connections().read())
    }

    fn process(&self, page: &mut Page<'_>, process: &Process) -> fmt::Result {
        page.family(("latchkey_build_info", "Always 1; which version this is"), MetricType::Gauge, |family| {
            levelled(family, &[("version", env!("CARGO_PKG_VERSION"))], 1_u32)
        })?;
        page.gauge(("process_start_time_seconds", "When it was started, in Unix seconds"), self.began.seconds())?;
        page.maybe(("process_resident_memory_bytes", "Memory that it holds"), process.resident)?;
        page.maybe(("process_open_fds", "Files and sockets that are open"), process.open_files)?;
        page.maybe(("process_max_fds", "Most files and sockets that may be open"), process.most_files)?;
        page.maybe(("process_threads", "Threads"), process.threads)?;
        page.family(("process_cpu_seconds", "Processor time"), MetricType::Counter, |family| {
            process.processor.map_or(Ok(()), |seconds| family.encode_counter::<NoLabelSet, _, f64>(&seconds, None))
        })
    }
}

/// A metric's name and what it is.
type About = (&'static str, &'static str);

/// What is being written.
struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    fn family(
        &mut self,
        (name, help): About,
        kind: MetricType,
        values: impl FnOnce(&mut MetricEncoder<'_>) -> fmt::Result,
    ) -> fmt::Result {
        values(&mut self.0.encode_descriptor(name, help, None, kind)?)
    }

    fn counts<L: Labels, const N: usize>(&mut self, about: About, names: [&str; N], counts: &Counts<L>) -> fmt::Result {
        self.family(about, MetricType::Counter, |family| {
            counts.read().try_for_each(|(labels, count)| {
                let labels: Vec<_> = names.into_iter().zip(labels.texts()).collect();
                counted(family, &labels, count)
            })
        })
    }

    fn counter(&mut self, about: About, count: u64) -> fmt::Result {
        self.family(about, MetricType::Counter, |family| family.encode_counter::<NoLabelSet, _, u64>(&count, None))
    }

    fn gauge(&mut self, about: About, level: impl EncodeGaugeValue) -> fmt::Result {
        self.maybe(about, Some(level))
    }

    /// A level that may not be known.
    fn maybe(&mut self, about: About, level: Option<impl EncodeGaugeValue>) -> fmt::Result {
        self.family(about, MetricType::Gauge, |family| level.map_or(Ok(()), |level| family.encode_gauge(&level)))
    }
}

fn counted(family: &mut MetricEncoder<'_>, labels: &[(&str, &str)], count: u64) -> fmt::Result {
    family.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&count, None)
}

fn levelled(family: &mut MetricEncoder<'_>, labels: &[(&str, &str)], level: u32) -> fmt::Result {
    family.encode_family(&labels)?.encode_gauge(&level)
}

fn histogram(family: &mut MetricEncoder<'_>, seen: &Seen) -> fmt::Result {
    family.encode_histogram::<NoLabelSet>(seen.sum, seen.count, &seen.classes, None)
}

//! What is logged and how, and where traces go: OpenTelemetry's own names, of which the SDK reads the rest.

use std::{ffi::OsString, time::Duration};

use tracing_subscriber::EnvFilter;
use url::Url;

use super::Reader;
use crate::logging::{LogFormat, LogSettings, TraceSettings};

const FILTER: &str = "info";

/// At its finest this library logs whole frames, and with them keys, prompts and answers.
const SILENCED: &str = "tungstenite=warn";
const SERVICE_NAME: &str = "kipina-hub";

/// The specification's.
const EXPORT_TIMEOUT_MS: u64 = 10_000;

impl<Lookup: Fn(&str) -> Option<OsString>> Reader<Lookup> {
    pub(super) fn log(&mut self) -> LogSettings {
        LogSettings {
            filter: self.log_filter(),
            format: self.log_format(),
            traces: self.traces(),
        }
    }

    fn log_filter(&mut self) -> String {
        let filter = self.text("RUST_LOG").unwrap_or_else(|| FILTER.to_owned());
        if let Err(error) = EnvFilter::try_new(&filter) {
            self.problem(
                format!("RUST_LOG={filter}: ei kelpaa ({error}); anna taso, esim. info tai hub=debug,info"),
                format!("RUST_LOG={filter}: it is none ({error}); give a level, as in info or hub=debug,info"),
            );
        }
        format!("{filter},{SILENCED}")
    }

    fn log_format(&mut self) -> LogFormat {
        match self.text("LOG_FORMAT").as_deref() {
            None | Some("text") => LogFormat::Text,
            Some("json") => LogFormat::Json,
            Some(other) => {
                self.problem(
                    format!("LOG_FORMAT={other}: anna text tai json"),
                    format!("LOG_FORMAT={other}: give text or json"),
                );
                LogFormat::Text
            }
        }
    }

    fn traces(&mut self) -> Option<TraceSettings> {
        let is_off = self
            .text("OTEL_SDK_DISABLED")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let for_all = self.endpoint("OTEL_EXPORTER_OTLP_ENDPOINT").map(below);
        let endpoint = self
            .endpoint("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
            .or(for_all);
        let service_name = self.text("OTEL_SERVICE_NAME");
        let timeout = self.number("OTEL_EXPORTER_OTLP_TIMEOUT", EXPORT_TIMEOUT_MS, 1..=600_000);
        self.check_protocol();
        if is_off {
            return None;
        }
        Some(TraceSettings {
            endpoint: endpoint?,
            service_name: service_name.unwrap_or_else(|| SERVICE_NAME.to_owned()),
            timeout: Duration::from_millis(timeout),
        })
    }

    fn endpoint(&mut self, name: &str) -> Option<Url> {
        let text = self.text(name)?;
        let url = Url::parse(&text).ok();
        // Collectors stand next to what they collect from; one of them speaks TLS to wherever it sends.
        let url = url.filter(|url| url.scheme() == "http" && url.has_host());
        if url.is_none() {
            self.problem(
                format!("{name}={text}: anna keräimen osoite muodossa http://nimi:4318 (TLS:ää varten käytä keräintä tällä koneella)"),
                format!("{name}={text}: give the collector's address, as in http://name:4318 (for TLS, use a collector on this machine)"),
            );
        }
        url
    }

    fn check_protocol(&mut self) {
        for name in [
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        ] {
            if let Some(other) = self.text(name).filter(|value| value != "http/protobuf") {
                self.problem(
                    format!(
                        "{name}={other}: keskus osaa vain http/protobuf-muodon; jätä asetus pois"
                    ),
                    format!(
                        "{name}={other}: the hub speaks http/protobuf only; leave the setting out"
                    ),
                );
            }
        }
    }
}

/// The specification's path for traces, below whatever path the endpoint has.
fn below(mut endpoint: Url) -> Url {
    let path = format!("{}/v1/traces", endpoint.path().trim_end_matches('/'));
    endpoint.set_path(&path);
    endpoint
}

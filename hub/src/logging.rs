//! The log on standard error, as text or as JSON, and traces to OpenTelemetry's collector.

mod tail;

use std::{io::IsTerminal, time::Duration};

use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response, hyper::HyperClient};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tokio::runtime::Handle;
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{FilterExt, filter_fn},
    fmt,
    layer::SubscriberExt,
    util::{SubscriberInitExt, TryInitError},
};
use url::Url;

use tail::IntoTail;
pub(crate) use tail::{Line, Tail};

#[derive(Clone, Debug)]
pub struct LogSettings {
    /// In `tracing_subscriber`'s syntax.
    pub filter: String,
    pub format: LogFormat,
    /// Where traces go; absent: nowhere.
    pub traces: Option<TraceSettings>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One object a line, for programs.
    Json,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceSettings {
    /// With its path, as in `http://127.0.0.1:4318/v1/traces`.
    pub endpoint: Url,
    pub service_name: String,
    pub timeout: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    #[error(transparent)]
    Traces(#[from] ExporterBuildError),
    #[error(transparent)]
    Logger(#[from] TryInitError),
}

/// Sends what is left of the traces when it is closed.
#[derive(Debug)]
pub struct Logging {
    traces: Option<SdkTracerProvider>,
}

impl Logging {
    /// For the whole process, once, on the current runtime.
    pub fn start(settings: &LogSettings) -> Result<Self, LoggingError> {
        let filter = EnvFilter::new(&settings.filter);
        let lines = fmt::layer().with_writer(std::io::stderr);
        let lines: Box<dyn Layer<Registry> + Send + Sync> = match settings.format {
            LogFormat::Text => lines
                .with_ansi(std::io::stderr().is_terminal())
                .with_filter(filter)
                .boxed(),
            // With the spans around each line: they hold the ids of request and task.
            LogFormat::Json => lines
                .json()
                .flatten_event(true)
                .with_current_span(false)
                .with_filter(filter.or(own_spans()))
                .boxed(),
        };
        let traces = settings.traces.as_ref().map(provider).transpose()?;
        let spans = traces.as_ref().map(|traces| {
            tracing_opentelemetry::layer()
                .with_tracer(traces.tracer("kipina-hub"))
                .with_location(false)
                .with_threads(false)
                .with_target(false)
                .with_filter(own_spans())
        });
        // What operators see is what the log has, whatever its form.
        let tail = IntoTail(Tail::of_this_process());
        let tail = tail.with_filter(EnvFilter::new(&settings.filter));
        tracing_subscriber::registry()
            .with(lines)
            .with(tail)
            .with(spans)
            .try_init()?;
        Ok(Self { traces })
    }

    pub async fn close(self) {
        let Some(traces) = self.traces else { return };
        let closed = tokio::task::spawn_blocking(move || traces.shutdown()).await;
        if let Ok(Err(error)) = closed {
            tracing::warn!("the last traces were not sent: {error}");
        }
    }
}

/// The spans of this crate, whatever the log shows: no events, and nobody else's spans.
fn own_spans<S>() -> impl tracing_subscriber::layer::Filter<S> {
    filter_fn(|metadata| metadata.is_span() && metadata.target().starts_with("hub"))
}

fn provider(settings: &TraceSettings) -> Result<SdkTracerProvider, ExporterBuildError> {
    let client = OnRuntime {
        client: HyperClient::with_default_connector(settings.timeout, None),
        runtime: Handle::current(),
    };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_endpoint(settings.endpoint.as_str())
        .with_timeout(settings.timeout)
        .build()?;
    let resource = Resource::builder()
        .with_service_name(settings.service_name.clone())
        .build();
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource)
        .build())
}

/// The exporter has a thread of its own; the client needs a runtime.
#[derive(Debug)]
struct OnRuntime {
    client: HyperClient,
    runtime: Handle,
}

#[async_trait::async_trait]
impl HttpClient for OnRuntime {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        self.runtime
            .spawn(async move { client.send_bytes(request).await })
            .await?
    }
}

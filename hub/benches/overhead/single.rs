//! One stream on an idle hub: what a prompt costs, and what a token frame costs.

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use tokio::runtime::Runtime;

use crate::client::ask;
use crate::node::{Pace, join};
use crate::support::hub::TestHub;

/// Frames of one answer where the frames are what is measured.
const FRAMES: u64 = 1000;

pub(crate) fn measure(criterion: &mut Criterion, runtime: &Runtime) {
    let client = crate::support::http::client();

    let mut group = criterion.benchmark_group("hub");
    let (_hub, url) = runtime.block_on(hub_with(Pace {
        tokens: 1,
        every: Duration::ZERO,
    }));
    group.bench_function("prompt with an answer of one token", |bencher| {
        bencher.iter(|| runtime.block_on(ask(&client, &url, 1)));
    });

    let (_hub, url) = runtime.block_on(hub_with(Pace {
        tokens: FRAMES,
        every: Duration::ZERO,
    }));
    group.throughput(Throughput::Elements(FRAMES));
    group.sample_size(20);
    group.bench_function("1000 token frames as fast as they go", |bencher| {
        bencher.iter_custom(|times| {
            let start = Instant::now();
            for _ in 0..times {
                let observed = runtime.block_on(ask(&client, &url, FRAMES));
                assert!(observed.whole, "frames were lost");
            }
            start.elapsed()
        });
    });
    group.finish();
}

/// A hub with one node, and where to ask it.
async fn hub_with(pace: Pace) -> (TestHub, String) {
    let hub = TestHub::tuned(|config| {
        // Bursts of frames are what is measured here, not what is to be kept off.
        config.nodes.frames_per_second = u32::MAX;
        config.nodes.frame_burst = u32::MAX;
        config.dispatch.answer_buffer = 2 * usize::try_from(FRAMES).expect("a small number");
    })
    .await;
    join(&hub.node_url(), 1, pace).await;
    let url = hub.url("/v1/chat/completions");
    (hub, url)
}

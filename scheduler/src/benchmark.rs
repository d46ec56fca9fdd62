//! What a node's multiply-adds say of its speed with a model, before it has answered anything.

use crate::Benchmark;
use crate::speed::{Prior, weights};

/// Less than any machine does that runs a model at all: such a figure measured nothing.
const LEAST: f64 = 1e6;

/// Decode goes through every weight once per token, at some byte per weight: beyond this it waits for
/// a desktop's memory, however fast it multiplies. A claim can thus never put a CPU that nobody
/// has measured before a native GPU.
const MOST_ON_CPU: f64 = 5e10;

/// The same for the memory of a datacentre's GPU.
const MOST_ON_GPU: f64 = 5e12;

impl Benchmark {
    /// The prior, with the benchmark's decode speed in place of its own and prefill in proportion.
    pub(crate) fn seed(self, prior: Prior, has_gpu: bool, parameters: Option<u64>) -> Prior {
        let gpu = self.gpu_multiply_adds_per_second.filter(|_| has_gpu);
        let gpu = gpu.and_then(|claimed| credible(claimed, MOST_ON_GPU));
        let cpu = credible(self.cpu_multiply_adds_per_second, MOST_ON_CPU);
        let Some(multiply_adds) = gpu.or(cpu) else {
            return prior;
        };
        let decode = multiply_adds / weights(parameters);
        let mut scale = decode / prior.decode;
        if has_gpu && gpu.is_none() {
            // The CPU's figure says nothing against the GPU, but the node may compute on the CPU
            // all the same.
            scale = scale.max(1.0);
        }
        prior.scaled(scale)
    }
}

/// A node's word is not trusted.
fn credible(claimed: f64, most: f64) -> Option<f64> {
    (claimed.is_finite() && claimed >= LEAST).then_some(claimed.min(most))
}

#[cfg(test)]
mod tests {
    use protocol::NodeKind;

    use super::*;

    const HALF_A_BILLION: Option<u64> = Some(500_000_000);

    fn seeded(kind: NodeKind, has_gpu: bool, cpu: f64, gpu: Option<f64>) -> Prior {
        let benchmark = Benchmark {
            cpu_multiply_adds_per_second: cpu,
            gpu_multiply_adds_per_second: gpu,
        };
        let prior = Prior::of(kind, has_gpu, HALF_A_BILLION);
        benchmark.seed(prior, has_gpu, HALF_A_BILLION)
    }

    fn decode(kind: NodeKind, has_gpu: bool, cpu: f64, gpu: Option<f64>) -> f64 {
        seeded(kind, has_gpu, cpu, gpu).decode.round()
    }

    #[test]
    fn decode_follows_the_figure_and_prefill_keeps_its_proportion() {
        let slow = seeded(NodeKind::Browser, false, 1e9, None);
        assert_eq!((slow.decode, slow.prefill), (2.0, 2.5));
        let fast = seeded(NodeKind::Browser, false, 2e10, None);
        assert_eq!((fast.decode, fast.prefill), (40.0, 50.0));
    }

    #[test]
    fn the_figure_of_what_the_node_computes_on_counts() {
        assert_eq!(decode(NodeKind::Native, true, 1e10, Some(1e12)), 2000.0);
        assert_eq!(decode(NodeKind::Browser, true, 4e10, Some(2e9)), 4.0);
        assert_eq!(decode(NodeKind::Browser, false, 1e10, Some(1e12)), 20.0);
    }

    #[test]
    fn a_cpu_speaks_for_a_node_with_a_gpu_but_never_against_it() {
        assert_eq!(decode(NodeKind::Native, true, 1e10, None), 200.0);
        assert_eq!(decode(NodeKind::Browser, true, 1e9, None), 15.0);
        assert_eq!(decode(NodeKind::Browser, true, 2e10, None), 40.0);
    }

    #[test]
    fn nonsense_changes_nothing_and_boasts_are_cut() {
        for nonsense in [f64::NAN, f64::INFINITY, -1e10, 0.0, 1e-300, 999.0] {
            assert_eq!(decode(NodeKind::Native, false, nonsense, None), 25.0);
            assert_eq!(
                decode(NodeKind::Native, true, nonsense, Some(nonsense)),
                200.0
            );
            assert_eq!(decode(NodeKind::Native, true, 1e9, Some(nonsense)), 200.0);
        }
        assert_eq!(decode(NodeKind::Browser, false, 1e300, None), 100.0);
        assert_eq!(decode(NodeKind::Browser, true, 1e300, None), 100.0);
        assert_eq!(decode(NodeKind::Native, true, 1e300, Some(1e300)), 10_000.0);
    }
}

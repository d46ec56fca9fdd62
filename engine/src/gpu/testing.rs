//! Tests of shaders, which run natively as any test does and in a browser, where nobody may block, one after the
//! other: `e2e/kernels.test.ts` asks for them there.

use std::cell::OnceCell;
use std::ops::Deref;

use super::Gpu;

#[cfg(target_arch = "wasm32")]
mod browser;

/// Makes tests of async functions without arguments.
macro_rules! gpu_tests {
    ($($test:ident),+ $(,)?) => {
        #[cfg(target_arch = "wasm32")]
        pub(in crate::gpu) const TESTS: &[$crate::gpu::testing::Test] = &[$($crate::gpu::testing::Test {
            name: concat!(module_path!(), "::", stringify!($test)),
            run: || Box::pin($test()),
        }),+];

        #[cfg(not(target_arch = "wasm32"))]
        mod natively {
            $(#[test]
            fn $test() {
                $crate::gpu::testing::natively(super::$test());
            })+
        }
    };
}

/// One of them.
#[cfg(target_arch = "wasm32")]
pub(super) struct Test {
    pub(super) name: &'static str,
    pub(super) run: fn() -> std::pin::Pin<Box<dyn Future<Output = ()>>>,
}

#[cfg(not(target_arch = "wasm32"))]
pub(super) fn natively(test: impl Future<Output = ()>) {
    pollster::block_on(async {
        ask_for_gpu().await;
        test.await;
    });
}

/// The GPU of the test that this thread runs, be it one that a processor plays.
pub(super) static GPU: Asked = Asked;

pub(super) struct Asked;

thread_local! {
    /// For ever: a browser's can't be shared between threads, as a static would be.
    static GIVEN: OnceCell<&'static Gpu> = const { OnceCell::new() };
}

impl Deref for Asked {
    type Target = Gpu;

    fn deref(&self) -> &Gpu {
        GIVEN.with(|given| *given.get().expect("a test that gpu_tests! has made"))
    }
}

/// Once for each thread.
async fn ask_for_gpu() {
    if GIVEN.with(|given| given.get().is_none()) {
        let gpu = Gpu::request().await;
        let gpu = gpu.expect("a GPU, as Debian's mesa-vulkan-drivers plays one");
        GIVEN.with(|given| {
            given.get_or_init(|| Box::leak(Box::new(gpu)));
        });
    }
}

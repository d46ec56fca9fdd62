//! A GPU and what it can do: asked for once, watched for its loss, and the few ways to make things on it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_channel::oneshot;

/// What can go wrong with a GPU.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GpuError {
    #[error("no GPU can be used: {0}")]
    Unavailable(String),
    #[error("the GPU was lost: {0}")]
    Lost(String),
    #[error(
        "the GPU's memory does not hold the model: {0}; choose a smaller model or a shorter context"
    )]
    OutOfMemory(String),
    #[error(
        "the GPU allows {allowed} of {what}, and the model needs {needed}; choose a smaller model"
    )]
    TooSmall {
        /// As in `bytes in a binding`.
        what: &'static str,
        needed: u64,
        allowed: u64,
    },
    /// The driver refused what we asked of it.
    #[error("the GPU's driver failed: {0}")]
    Driver(String),
}

/// A GPU that was asked for; clones are the same device.
#[derive(Clone, Debug)]
pub struct Gpu {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    adapter: Arc<str>,
    software: bool,
    pub(super) abilities: Abilities,
    lost: Arc<Mutex<Option<String>>>,
    tuning: Arc<Mutex<Tuning>>,
    budget_bytes: Option<u64>,
}

/// Which workgroups were found to suit, by adapter and size of model: worth keeping from one start to the
/// next, since finding out takes seconds. What it does not know is found out.
pub type Tuning = BTreeMap<String, String>;

/// What shaders may use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Abilities {
    /// Sums across a subgroup; browsers have them, but `wgpu` can't ask for them there.
    pub(super) subgroups: bool,
    /// Numbers of 16 bits with a fraction.
    pub(super) halves: bool,
    /// The GPU tells how long it took.
    pub(super) timestamps: bool,
    /// Shaders may multiply four bytes with four others and sum them up at once, be it slowly.
    pub(super) byte_dots: bool,
}

impl Gpu {
    /// Asks for the adapter with the most power.
    ///
    /// # Errors
    /// Where there is none, or it has no device to give.
    pub async fn request() -> Result<Self, GpuError> {
        let unavailable = |error: &dyn std::fmt::Display| GpuError::Unavailable(error.to_string());
        let mut description = wgpu::InstanceDescriptor::new_without_display_handle();
        // Validation layers are for who writes drivers, and slow.
        description.flags = wgpu::InstanceFlags::empty();
        let instance = wgpu::Instance::new(description);
        let adapter = instance
            .request_adapter(&wgpu::RequestAdapterOptions {
                power_preference: wgpu::PowerPreference::HighPerformance,
                ..wgpu::RequestAdapterOptions::default()
            })
            .await
            .map_err(|error| unavailable(&error))?;
        let info = adapter.get_info();
        let has = adapter.features();
        let wanted =
            wgpu::Features::SUBGROUP | wgpu::Features::SHADER_F16 | wgpu::Features::TIMESTAMP_QUERY;
        let (device, queue) = adapter
            .request_device(&wgpu::DeviceDescriptor {
                required_features: has & wanted,
                // All that the adapter has: weights are large.
                required_limits: adapter.limits(),
                memory_hints: wgpu::MemoryHints::Performance,
                ..wgpu::DeviceDescriptor::default()
            })
            .await
            .map_err(|error| unavailable(&error))?;
        let language = instance.wgsl_language_features();
        let byte_dots = language.contains(wgpu::WgslLanguageFeatures::Packed4x8IntegerDotProduct);
        Ok(Self::watching(device, queue, &info, byte_dots))
    }

    pub(super) fn watching(
        device: wgpu::Device,
        queue: wgpu::Queue,
        info: &wgpu::AdapterInfo,
        byte_dots: bool,
    ) -> Self {
        let lost = Arc::new(Mutex::new(None));
        let noted = Arc::clone(&lost);
        device.set_device_lost_callback(move |reason, message| {
            let why = if message.is_empty() {
                format!("{reason:?}")
            } else {
                message
            };
            *noted.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
        });
        let features = device.features();
        Self {
            abilities: Abilities {
                subgroups: features.contains(wgpu::Features::SUBGROUP),
                halves: features.contains(wgpu::Features::SHADER_F16),
                timestamps: features.contains(wgpu::Features::TIMESTAMP_QUERY),
                byte_dots,
            },
            adapter: name(info).into(),
            software: info.device_type == wgpu::DeviceType::Cpu
                || info.name.to_lowercase().contains("swiftshader"),
            device,
            queue,
            lost,
            tuning: Arc::default(),
            budget_bytes: None,
        }
    }

    /// With no more memory than this for a model and its cache: adapters promise more than there is.
    pub fn with_budget(self, bytes: u64) -> Self {
        Self {
            budget_bytes: Some(bytes),
            ..self
        }
    }

    /// The largest that a buffer can be and be bound whole.
    pub(super) fn most_bytes(&self) -> u64 {
        let limits = self.device.limits();
        let binding = limits.max_storage_buffer_binding_size;
        binding.min(limits.max_buffer_size)
    }

    /// Whether so many bytes are within the budget.
    pub(super) fn afford(&self, bytes: u64) -> Result<(), GpuError> {
        match self.budget_bytes {
            Some(budget) if bytes > budget => Err(GpuError::OutOfMemory(format!(
                "{bytes} bytes are needed and {budget} may be used"
            ))),
            _ => Ok(()),
        }
    }

    /// What was found out so far, and what was recalled.
    pub fn tuning(&self) -> Tuning {
        let tuning = self.tuning.lock();
        tuning.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was found out before. Anything that makes no sense is found out again.
    pub fn recall(&self, tuning: Tuning) {
        let mut known = self.tuning.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(tuning);
    }

    /// The adapter's name, as in `NVIDIA H100 80GB HBM3`.
    pub fn adapter(&self) -> &str {
        &self.adapter
    }

    /// Whether a processor plays the GPU.
    pub fn is_software(&self) -> bool {
        self.software
    }

    /// The loss, once the device is gone.
    pub(super) fn check(&self) -> Result<(), GpuError> {
        let lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        match &*lost {
            Some(why) => Err(GpuError::Lost(why.clone())),
            None => Ok(()),
        }
    }

    /// A pipeline of a shader's text, whose entry point is `main`, its bindings taken from the text.
    pub(super) fn pipeline(&self, label: &str, wgsl: &str) -> wgpu::ComputePipeline {
        let source = wgpu::ShaderSource::Wgsl(wgsl.into());
        let module = self
            .device
            .create_shader_module(wgpu::ShaderModuleDescriptor {
                label: Some(label),
                source,
            });
        self.device
            .create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(label),
                layout: None,
                module: &module,
                entry_point: Some("main"),
                compilation_options: wgpu::PipelineCompilationOptions {
                    // Our shaders write before they read.
                    zero_initialize_workgroup_memory: false,
                    ..wgpu::PipelineCompilationOptions::default()
                },
                cache: None,
            })
    }

    pub(super) fn bind(
        &self,
        pipeline: &wgpu::ComputePipeline,
        buffers: &[&wgpu::Buffer],
    ) -> wgpu::BindGroup {
        let entries: Vec<_> = (0..)
            .zip(buffers)
            .map(|(binding, buffer)| wgpu::BindGroupEntry {
                binding,
                resource: buffer.as_entire_binding(),
            })
            .collect();
        self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &pipeline.get_bind_group_layout(0),
            entries: &entries,
        })
    }

    pub(super) fn encoder(&self) -> wgpu::CommandEncoder {
        let description = wgpu::CommandEncoderDescriptor::default();
        self.device.create_command_encoder(&description)
    }

    /// A storage buffer, of at least 16 bytes.
    pub(super) fn storage(&self, label: &str, bytes: u64) -> wgpu::Buffer {
        self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            size: bytes.next_multiple_of(16).max(16),
            usage: wgpu::BufferUsages::STORAGE
                | wgpu::BufferUsages::COPY_DST
                | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        })
    }

    /// A storage buffer with these numbers.
    pub(super) fn floats(&self, label: &str, values: &[f32]) -> wgpu::Buffer {
        let buffer = self.storage(label, 4 * values.len() as u64);
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        self.queue.write_buffer(&buffer, 0, &bytes);
        buffer
    }

    pub(super) fn readable(&self, label: &str, bytes: u64) -> wgpu::Buffer {
        self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            size: bytes.next_multiple_of(16).max(16),
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        })
    }

    /// The first `bytes` of a buffer that is read back, once what was submitted before is done.
    pub(super) fn read(&self, buffer: &wgpu::Buffer, bytes: u64) -> Reading {
        let (done, mapped) = oneshot::channel();
        buffer.map_async(wgpu::MapMode::Read, 0..bytes, move |result| {
            // Whoever waited may be gone.
            let _ = done.send(result);
        });
        Reading {
            gpu: self.clone(),
            buffer: buffer.clone(),
            bytes,
            mapped,
            submission: None,
        }
    }

    /// Waits until all that was submitted is done.
    pub(super) async fn idle(&self) -> Result<(), GpuError> {
        if cfg!(target_arch = "wasm32") {
            let (done, idle) = oneshot::channel();
            self.queue.on_submitted_work_done(move || {
                let _ = done.send(());
            });
            // Gone without a word: the device is lost.
            let _ = idle.await;
        } else {
            self.wait()?;
        }
        self.check()
    }

    /// Waits until all that was submitted is done, where the thread may block.
    pub(super) fn wait(&self) -> Result<(), GpuError> {
        self.wait_for(None)
    }

    fn wait_for(&self, submission_index: Option<wgpu::SubmissionIndex>) -> Result<(), GpuError> {
        // A browser calls back by itself.
        if cfg!(target_arch = "wasm32") {
            return Ok(());
        }
        let waiting = self.device.poll(wgpu::PollType::Wait {
            submission_index,
            timeout: None,
        });
        if let Err(error) = waiting {
            self.check()?;
            return Err(GpuError::Driver(error.to_string()));
        }
        Ok(())
    }

    /// Runs `make`, which makes buffers and pipelines, and tells what of it failed.
    pub(super) async fn attempt<T>(&self, make: impl FnOnce() -> T) -> Result<T, GpuError> {
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let validation = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let internal = self.device.push_error_scope(wgpu::ErrorFilter::Internal);
        let made = make();
        // Popped one inside the other, before the first of them is waited for.
        let (internal, validation, memory) = (internal.pop(), validation.pop(), memory.pop());
        let failed = [internal.await, validation.await, memory.await];
        self.check()?;
        match failed.into_iter().flatten().next() {
            None => Ok(made),
            Some(wgpu::Error::OutOfMemory { source }) => {
                Err(GpuError::OutOfMemory(source.to_string()))
            }
            Some(error) => Err(GpuError::Driver(error.to_string())),
        }
    }
}

/// Bytes on their way back.
#[derive(Debug)]
pub(super) struct Reading {
    gpu: Gpu,
    buffer: wgpu::Buffer,
    bytes: u64,
    mapped: oneshot::Receiver<Result<(), wgpu::BufferAsyncError>>,
    submission: Option<wgpu::SubmissionIndex>,
}

impl Reading {
    /// Waits for no more than this submission.
    pub(super) fn after(self, submission: wgpu::SubmissionIndex) -> Self {
        Self {
            submission: Some(submission),
            ..self
        }
    }

    /// Waits for them, gives them to `take`, and lets the buffer be written to again.
    pub(super) async fn finish<T>(self, take: impl FnOnce(&[u8]) -> T) -> Result<T, GpuError> {
        self.gpu.wait_for(self.submission)?;
        let failure = |why: String| match self.gpu.check() {
            Err(lost) => lost,
            Ok(()) => GpuError::Driver(why),
        };
        match self.mapped.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(failure(error.to_string())),
            Err(_) => return Err(failure("a buffer was not read back".into())),
        }
        let view = self
            .buffer
            .slice(..self.bytes)
            .get_mapped_range()
            .map_err(|error| failure(error.to_string()))?;
        let taken = take(&view);
        drop(view);
        self.buffer.unmap();
        Ok(taken)
    }
}

/// Browsers tell no name, but who made it and of which kind it is.
fn name(info: &wgpu::AdapterInfo) -> String {
    let parts = [&info.name, &info.driver, &info.driver_info];
    let known = parts.into_iter().find(|part| !part.is_empty());
    known.map_or_else(|| "GPU".to_owned(), Clone::clone)
}

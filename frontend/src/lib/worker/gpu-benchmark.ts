// How many multiply-adds per second the GPU does. Only a hub's benchmark asks for it.

const WORKGROUP_SIZE = 64;
const WORKGROUPS = 2048;
const ROUNDS = 256;
/** Four vectors of four: independent chains, since one would measure the latency of an instruction. */
const MULTIPLY_ADDS_PER_ROUND = 16;
const MULTIPLY_ADDS_PER_PASS = WORKGROUPS * WORKGROUP_SIZE * ROUNDS * MULTIPLY_ADDS_PER_ROUND;

/** A driver that hangs must not keep the hub waiting for the processor's figure. */
const LONGEST_MS = 10_000;
/** The first runs are too short to tell much of how many passes the last one needs. */
const LARGEST_GROWTH = 16;

// The factors come from a buffer: what the compiler knew, it could compute.
const SHADER = `
@group(0) @binding(0) var<storage, read_write> sums: array<f32>;
@group(0) @binding(1) var<storage, read> factors: array<vec4f>;

@compute @workgroup_size(${WORKGROUP_SIZE})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let factor = factors[0];
  let term = factors[1];
  var a = vec4f(f32(id.x));
  var b = a + term;
  var c = b + term;
  var d = c + term;
  for (var round = 0u; round < ${ROUNDS}u; round++) {
    a = fma(a, factor, term);
    b = fma(b, factor, term);
    c = fma(c, factor, term);
    d = fma(d, factor, term);
  }
  sums[id.x] = dot(a + b, c + d);
}`;
const FACTORS = new Float32Array([0.99, 0.98, 0.97, 0.96, 0.01, 0.02, 0.03, 0.04]);

/** Null where there is no GPU, or one that fails. */
export async function benchmarkGpu(gpu: GPU | undefined, durationMs: number): Promise<number | null> {
  if (gpu === undefined) return null;
  const device = await openDevice(gpu).catch(() => null);
  if (device === null) return null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const givenUp = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, LONGEST_MS, null);
    void device.lost.then(() => {
      resolve(null);
    });
  });
  try {
    return await Promise.race([measure(device, durationMs), givenUp]);
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
    device.destroy();
  }
}

async function openDevice(gpu: GPU): Promise<GPUDevice | null> {
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  return adapter === null ? null : await adapter.requestDevice();
}

async function measure(device: GPUDevice, durationMs: number): Promise<number | null> {
  device.pushErrorScope("validation");
  const run = await prepare(device);
  // The first pass compiles and warms up.
  await run(1);
  if ((await device.popErrorScope()) !== null) return null;
  const passesPerSecond = await rate(run, durationMs, () => performance.now());
  return passesPerSecond * MULTIPLY_ADDS_PER_PASS;
}

/** Passes per second, from the first run that takes long enough to be believed. */
export async function rate(
  run: (passes: number) => Promise<void>,
  durationMs: number,
  now: () => number,
): Promise<number> {
  for (let passes = 1; ;) {
    const start = now();
    await run(passes);
    const elapsedMs = now() - start;
    if (elapsedMs >= durationMs / 2) return (passes * 1000) / elapsedMs;
    // Browsers round times, down to nothing.
    const growth = Math.min(LARGEST_GROWTH, durationMs / Math.max(elapsedMs, 0.1));
    passes = Math.ceil(passes * growth);
  }
}

/** What submits so many passes and waits for their end. */
async function prepare(device: GPUDevice): Promise<(passes: number) => Promise<void>> {
  const pipeline = await device.createComputePipelineAsync({
    layout: "auto",
    compute: { module: device.createShaderModule({ code: SHADER }), entryPoint: "main" },
  });
  const sums = device.createBuffer({
    size: WORKGROUPS * WORKGROUP_SIZE * Float32Array.BYTES_PER_ELEMENT,
    usage: GPUBufferUsage.STORAGE,
  });
  const factors = device.createBuffer({
    size: FACTORS.byteLength,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
  });
  device.queue.writeBuffer(factors, 0, FACTORS);
  const bindGroup = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [sums, factors].map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  return async (passes) => {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    for (let count = 0; count < passes; count += 1) pass.dispatchWorkgroups(WORKGROUPS);
    pass.end();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
  };
}

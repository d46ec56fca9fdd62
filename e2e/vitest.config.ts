import { defineConfig } from "vitest/config";

// One browser and one model at a time: the machine may be small.
export default defineConfig({
  test: { testTimeout: 180_000, hookTimeout: 180_000, fileParallelism: false },
});

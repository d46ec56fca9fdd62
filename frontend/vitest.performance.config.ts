import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { include: ["tests/speed.measure.ts"], hookTimeout: 60_000, fileParallelism: false },
});

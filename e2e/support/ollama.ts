// An Ollama that has one model and always says the same.

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface StandInOllama {
  url: string;
  close(): void;
}

export async function startOllama(model: string, says: string): Promise<StandInOllama> {
  const answers: Record<string, object> = {
    "/api/version": { version: "0.13.0" },
    "/api/tags": { models: [{ name: model, digest: "sha256:1" }] },
    "/api/show": {
      details: { quantization_level: "Q4_K_M" },
      model_info: { "general.architecture": "qwen2", "qwen2.context_length": 4096 },
      capabilities: ["completion"],
    },
    "/api/chat": {
      message: { role: "assistant", content: says },
      done: true,
      done_reason: "stop",
      prompt_eval_count: 3,
      eval_count: 2,
    },
  };
  const server: Server = createServer((request, response) => {
    const answer = answers[request.url ?? ""];
    request.resume().on("end", () => {
      response.writeHead(answer === undefined ? 404 : 200, { "content-type": "application/json" });
      response.end(`${JSON.stringify(answer ?? {})}\n`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

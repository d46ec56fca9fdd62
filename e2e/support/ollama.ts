// An Ollama that has one model, and says what the test wants, when the test wants it.

import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface StandInOllama {
  url: string;
  close(): void;
}

/** `says`: the answer at once, or its pieces, each of which is sent when it comes. */
export async function startOllama(
  model: string,
  says: string | (() => AsyncIterable<string>),
): Promise<StandInOllama> {
  const answers: Record<string, object> = {
    "/api/version": { version: "0.13.0" },
    "/api/tags": { models: [{ name: model, digest: "sha256:1" }] },
    "/api/show": {
      details: { quantization_level: "Q4_K_M" },
      model_info: { "general.architecture": "qwen2", "qwen2.context_length": 4096 },
      capabilities: ["completion"],
    },
  };
  const end = {
    message: { role: "assistant", content: typeof says === "string" ? says : "" },
    done: true,
    done_reason: "stop",
    prompt_eval_count: 3,
    eval_count: 2,
  };
  const chat = async (response: ServerResponse): Promise<void> => {
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    if (typeof says !== "string") {
      for await (const content of says()) {
        response.write(`${JSON.stringify({ message: { role: "assistant", content }, done: false })}\n`);
      }
    }
    response.end(`${JSON.stringify(end)}\n`);
  };
  const server: Server = createServer((request, response) => {
    const answer = answers[request.url ?? ""];
    request.resume().on("end", () => {
      if (request.url === "/api/chat") {
        void chat(response);
        return;
      }
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

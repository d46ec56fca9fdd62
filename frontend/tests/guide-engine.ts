// A stand-in for the engine that also counts tokens and tells what would come next.

import { onProcessor } from "../src/lib/testing/computation";

/** A token for every run of letters, of digits, of spaces; and the emoji in two parts. */
const tokenizer = `
  export class Tokenizer {
    static load(file) {
      const piece = new Uint8Array(100000);
      for (let offset = 0; offset < 2500000; offset += piece.length) file.read(offset, piece);
      return new Tokenizer();
    }
    tokenize(text) {
      const pieces = text.match(/ ?\\p{L}+|\\p{N}|\\n|🌞| ?[^\\p{L}\\p{N}\\n🌞]/gu) ?? [];
      return pieces.flatMap((text) =>
        text === "🌞" ? [{ id: 1, text: "\\ufffd" }, { id: 2, text: "\\ufffd" }] : [{ id: 100 + text.length, text }]);
    }
    count(text) { return this.tokenize(text).length; }
    free() {}
  }`;

export const guideEngine = `
  export default async () => undefined;
  ${tokenizer}
  export class ComputeNode {
    static async load(file, options, onProgress) {
      onProgress(1, 1);
      return new ComputeNode();
    }
    connect(settings, say) { say({ type: "connected", nodeId: "1" }); }
    async distribution(input, count, onProgress) {
      const text = typeof input === "string" ? input : input.map(({ content }) => content).join("");
      if (text.includes("FAIL")) throw new Error("it failed");
      const promptTokens = new Tokenizer().tokenize(text).length;
      const cachedTokens = this.last === undefined || !text.startsWith(this.last) ? 0 : promptTokens - 9;
      this.last = text;
      onProgress(cachedTokens, promptTokens);
      await new Promise((resolve) => setTimeout(resolve, 30));
      onProgress(promptTokens, promptTokens);
      const word = (token, text, logit, recent = false) => ({ token, text, logit, recent, ends: false });
      const candidates = [
        word(1, " yksi", 5), word(2, " kaksi", 4.5, true), word(3, "\\n", 3), { ...word(4, "</s>", 2), ends: true },
      ];
      return { candidates, rest: [[0, 100], [-3, 9000]], promptTokens, cachedTokens, prefillMs: 400 };
    }
    setPaused() {}
    setOnlyOwn() {}
    setTabHidden() {}
    disconnect() {}
    computation() { return ${JSON.stringify(onProcessor)}; }
    free() {}
  }`;

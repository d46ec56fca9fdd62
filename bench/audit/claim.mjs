// Has one node's answers claimed for other prompts: `node claim.mjs PROMPTS ANSWERS|canned` writes audits of
// the prompts with the answers of the same number, and their tokens where the node told them: so would whoever claims them.

import { readFileSync } from "node:fs";

const [promptsFile, answersFile] = process.argv.slice(2);
const lines = (file) => readFileSync(file, "utf8").trim().split("\n").map((line) => JSON.parse(line));

/** What costs nothing to send. */
const CANNED = [
  "I'm sorry, but I can't help with that right now. Please try again later, or ask me something else.",
  "Sure! Here is a simple example:\n\n```python\ndef main():\n    print(\"Hello, world!\")\n\nif __name__ == \"__main__\":\n    main()\n```\n\nThis program prints a greeting.",
  "Thank you for your question. The answer depends on several factors, and it is important to consider all of them carefully before making a decision.",
  "The text describes a system and how its parts work together. It explains what each part does, and why it was made this way.",
  "1. Read the instructions.\n2. Install the software.\n3. Run the program.\n4. Check the results.\n5. Ask for help if you need it.",
];

const answers = answersFile === "canned" ? null : new Map(lines(answersFile).map((answer) => [answer.task_id, answer]));
for (const [number, prompt] of lines(promptsFile).entries()) {
  const given = answers === null ? { answer: CANNED[number % CANNED.length], finish_reason: "stop" } : answers.get(prompt.task_id);
  if (given === undefined) continue;
  const { answer, answer_token_ids, finish_reason } = given;
  console.log(JSON.stringify({ ...prompt, type: "audit_prompt", answer, answer_token_ids, finish_reason }));
}

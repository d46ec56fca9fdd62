// Chat completions, as the real client reads them.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { client, model, slotsAreFree } from './hub.js';

const messages = [
  { role: 'user', content: 'Count from one to a hundred in words: one two three' },
];

// Left alone, the answer to this would take longer than the wait for its slot.
const long = [
  { role: 'user', content: `Go on counting in words: ${'one two three '.repeat(100)}` },
];

async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

test('models are listed and retrieved', async () => {
  const listed = [];
  for await (const { id } of client.models.list()) listed.push(id);
  assert.ok(listed.includes(model));
  const retrieved = await client.models.retrieve(model);
  assert.deepEqual([retrieved.id, retrieved.object], [model, 'model']);
});

test('a plain answer is whole', async () => {
  const answer = await client.chat.completions.create({ model, messages, max_tokens: 8 });
  const [choice] = answer.choices;
  assert.equal(answer.object, 'chat.completion');
  assert.equal(choice.message.role, 'assistant');
  assert.ok(choice.message.content);
  assert.ok(['stop', 'length'].includes(choice.finish_reason));
  const { prompt_tokens, completion_tokens, total_tokens } = answer.usage;
  assert.ok(completion_tokens > 0 && completion_tokens <= 8);
  assert.equal(total_tokens, prompt_tokens + completion_tokens);
  assert.equal(answer.kipina.model, model);
});

test('a stream comes in pieces that belong together', async () => {
  const chunks = await collect(
    await client.chat.completions.create({ model, messages, max_tokens: 8, stream: true }),
  );
  assert.equal(chunks[0].choices[0].delta.role, 'assistant');
  assert.equal(new Set(chunks.map(({ id, created }) => `${id} ${created}`)).size, 1);
  assert.ok(chunks.length > 3);
  assert.ok(['stop', 'length'].includes(chunks.at(-1).choices[0].finish_reason));
  assert.ok(chunks.every((chunk) => chunk.usage === undefined));
});

test('usage comes last where it is asked for', async () => {
  const chunks = await collect(
    await client.chat.completions.create({
      model,
      messages,
      max_completion_tokens: 8,
      stream: true,
      stream_options: { include_usage: true },
    }),
  );
  const last = chunks.pop();
  assert.deepEqual(last.choices, []);
  assert.ok(last.usage.completion_tokens > 0);
  assert.ok(last.usage.prompt_tokens_details.cached_tokens >= 0);
  assert.ok(chunks.every((chunk) => chunk.usage === null));
});

test("the client's own fold over a stream is the plain answer", async () => {
  const settings = { model, messages, max_tokens: 8, temperature: 0, seed: 1 };
  const plain = await client.chat.completions.create(settings);
  const folded = await client.chat.completions.stream(settings).finalChatCompletion();
  assert.equal(folded.choices[0].message.content, plain.choices[0].message.content);
  assert.equal(folded.choices[0].finish_reason, plain.choices[0].finish_reason);
});

test('leaving a stream frees its slot', async () => {
  const stream = await client.chat.completions.create({
    model,
    messages: long,
    max_tokens: 512,
    stream: true,
  });
  let seen = 0;
  for await (const _chunk of stream) if (++seen === 3) break;
  assert.ok(await slotsAreFree(3000));
});

test('aborting a plain request frees its slot', async () => {
  const controller = new AbortController();
  const answer = client.chat.completions.create(
    { model, messages: long, max_tokens: 512 },
    { signal: controller.signal },
  );
  setTimeout(() => controller.abort(), 100);
  await answer.catch((error) => assert.equal(error.constructor.name, 'APIUserAbortError'));
  assert.ok(await slotsAreFree(3000));
});

// Each refusal reaches a program as the error that it expects.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import OpenAI from 'openai';

import { client, model } from './hub.js';

const messages = [{ role: 'user', content: 'Hello' }];

/** The error of a request that must be refused. */
async function refusal(fields) {
  try {
    await client.chat.completions.create({ model, messages, ...fields });
  } catch (error) {
    return error;
  }
  throw new Error(`${JSON.stringify(fields)} was not refused`);
}

test('an unknown model is not found, as a stream too', async () => {
  for (const stream of [false, true]) {
    const error = await refusal({ model: 'no-such-model', stream });
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, 'model_not_found');
    assert.equal(error.param, 'model');
    assert.ok(error.requestID);
  }
  await assert.rejects(client.models.retrieve('no-such-model'), OpenAI.NotFoundError);
});

test('a field that can not be served is named', async () => {
  for (const [fields, param] of [
    [{ n: 2 }, 'n'],
    [{ temperature: 3 }, 'temperature'],
    [{ max_tokens: 0 }, 'max_tokens'],
    [{ logprobs: true }, 'logprobs'],
    [{ tools: [{ type: 'function', function: { name: 'f' } }] }, 'tools'],
    [{ response_format: { type: 'json_object' } }, 'response_format'],
    [{ kipina: { nodes: 'mine' } }, 'kipina.nodes'],
  ]) {
    const error = await refusal(fields);
    assert.ok(error instanceof OpenAI.BadRequestError, param);
    assert.equal(error.param, param);
    assert.equal(error.type, 'invalid_request_error');
  }
});

test('a prompt that does not fit is refused and not cut', async () => {
  const error = await refusal({ messages: [{ role: 'user', content: 'word '.repeat(100_000) }] });
  assert.ok(error instanceof OpenAI.BadRequestError);
  assert.equal(error.code, 'context_length_exceeded');
});

test('a known model that nobody offers is unavailable', async () => {
  const error = await refusal({ model: 'qwen2.5-coder:7b' });
  assert.ok(error instanceof OpenAI.InternalServerError);
  assert.equal(error.status, 503);
  assert.ok(Number(error.headers.get('retry-after')) >= 1);
});

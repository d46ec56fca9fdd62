// The hub under test: KIPINA_URL says where it is, KIPINA_MODEL what it answers with.

import OpenAI from 'openai';

export const url = required('KIPINA_URL').replace(/\/$/, '');
export const model = required('KIPINA_MODEL');

// Without retries, so that each test sees the first answer.
export const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 });

/** Whether, within so many milliseconds, no prompt waits and none is being answered. */
export async function slotsAreFree(milliseconds) {
  const deadline = Date.now() + milliseconds;
  while (Date.now() < deadline) {
    const { nodes, queue } = await (await fetch(`${url}/api/stats`)).json();
    const idle = nodes.every((node) => node.busy === 0);
    if (idle && queue.waiting === 0 && queue.running === 0) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}

function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`set ${name}: these tests need a running hub`);
  return value;
}

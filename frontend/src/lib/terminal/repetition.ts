// Small models may end up saying the same thing for ever: a person should hear of it before the limit does.

const TAIL = 1500;
const LONGEST_PERIOD = 300;
const TIMES = 5;

/** Whether the text's end is one piece over and over. */
export function repeatsItself(text: string): boolean {
  if (text.length < TAIL) return false;
  const tail = text.slice(-TAIL);
  for (let period = 1; period <= LONGEST_PERIOD; period += 1) {
    if (isPeriodic(tail, period)) return tail.trim() !== "" || period === 1;
  }
  return false;
}

function isPeriodic(tail: string, period: number): boolean {
  const length = Math.max(600, period * TIMES);
  for (let index = tail.length - 1; index >= tail.length - length + period; index -= 1) {
    if (tail.charCodeAt(index) !== tail.charCodeAt(index - period)) return false;
  }
  return true;
}

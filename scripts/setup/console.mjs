/** Progress goes to standard error: standard output belongs to the command. */
export function say(line) {
  process.stderr.write(`[vizavi] ${line}\n`);
}

/**
 * Ends set-up with one line.
 * @param {string} problem
 * @param {string} mend the command or action that mends it
 * @returns {never}
 */
export function fail(problem, mend) {
  throw Object.assign(new Error(`${problem}. To mend it: ${mend}`), { isSetupError: true });
}

const REPEAT_MS = 20_000;

/**
 * Runs a long step with a line at its start, every 20 s, and at its end.
 * @template T
 * @param {string} label
 * @param {string} reason
 * @param {() => Promise<T>} work
 * @param {() => string} [detail] how far it is, for the repeated line
 * @returns {Promise<T>}
 */
export async function withProgress(label, reason, work, detail = () => '') {
  const startMs = Date.now();
  const elapsed = () => `${Math.round((Date.now() - startMs) / 1000)} s`;
  say(`${label} (${reason}) …`);
  const timer = setInterval(
    () => say(`${label} … ${[detail(), elapsed()].filter(Boolean).join(', ')}`),
    REPEAT_MS,
  );
  try {
    const result = await work();
    say(`${label}: done in ${elapsed()}`);
    return result;
  } finally {
    clearInterval(timer);
  }
}

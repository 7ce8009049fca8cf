import { setImmediate } from 'node:timers/promises';
import { Log } from 'node-av/lib';
import { AV_LOG_ERROR } from 'node-av/constants';

// FFmpeg and x264 print a page of information for every encoder that opens.
Log.setLevel(AV_LOG_ERROR);

const listeners = new Set<Set<string>>();

/**
 * Does `work`. Where it fails, `failed` makes the error to throw of FFmpeg's own words, in one line: its error codes say
 * `Operation not permitted` of a library that is missing.
 */
export async function withFfmpegWords<T>(
  work: () => T | Promise<T>,
  failed: (words: string, cause: unknown) => Error,
): Promise<T> {
  const lines = new Set<string>();
  if (listeners.size === 0) {
    const hear = (_level: number, line: string): void => {
      for (const listener of listeners) listener.add(line.trim());
    };
    Log.setCallback(hear, { maxLevel: AV_LOG_ERROR });
  }
  listeners.add(lines);
  try {
    return await work();
  } catch (error) {
    // Lines come through the event loop: the first turn may end before it polls, the second has polled.
    await setImmediate();
    await setImmediate();
    throw failed([...lines].join('; ') || (error as Error).message, error);
  } finally {
    listeners.delete(lines);
    if (listeners.size === 0) Log.resetCallback();
  }
}

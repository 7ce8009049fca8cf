import { parentPort } from 'node:worker_threads';
import type { FromHearingThread, ToHearingThread } from '../../server/src/ears/hearing-messages.ts';

/** What a packet's first byte asks of the thread; any other is heard as a frame that is speech by that many percent. */
export const ASK = { throw: 201, exit: 202, fail: 203 };

const post = (message: FromHearingThread): void => parentPort?.postMessage(message);
const ears = new Set<number>();

parentPort?.on('message', (message: ToHearingThread) => {
  if (message.type === 'open') ears.add(message.ear);
  if (message.type === 'close') ears.delete(message.ear);
  if (message.type === 'stop') parentPort?.close();
  if (message.type !== 'packets') return;
  let at = 0;
  for (const [index, length] of message.lengths.entries()) {
    const [first = 0] = message.bytes.subarray(at, at + length);
    const ear = message.ears[index]!;
    at += length;
    if (first === ASK.throw) throw new Error('thrown in the thread');
    if (first === ASK.exit) process.exit(1);
    if (!ears.has(ear)) continue;
    if (first === ASK.fail) {
      ears.delete(ear);
      post({ type: 'failed', ear, message: 'no decoder' });
    } else post({ type: 'heard', ear, pcm: new Int16Array(512), probabilities: [first / 100] });
  }
});
post({ type: 'ready' });

import { parentPort } from 'node:worker_threads';
import type { FliteReply, FliteRequest } from '../../server/src/voice/flite-queue.ts';

/** Does as the text says; any other text is answered with as many samples as it has characters. */
parentPort?.on('message', ({ id, text }: FliteRequest) => {
  if (text === 'throw') throw new Error('thrown in the thread');
  if (text === 'exit') process.exit(1);
  const reply: FliteReply =
    text === 'refuse' ? { id, error: 'refused' } : { id, pcm: new Int16Array(text.length) };
  setImmediate(() => parentPort?.postMessage(reply));
});

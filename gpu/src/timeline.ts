import { writeFile } from 'node:fs/promises';
import type { BatchTimes, Span } from './model-runner.ts';

/** The lanes of the picture, from top to bottom. */
const TRACKS = ['enqueuer', 'compute stream', 'copy stream', 'host work', 'on the wire'] as const;
export type Track = (typeof TRACKS)[number];

interface TraceSpan extends Span {
  readonly track: Track;
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** Half an hour of a busy device; older spans are forgotten. */
const MAX_SPANS = 500_000;

/** Collects what happened when, and writes it in the Chrome trace event format ("Trace Event Format", complete events). */
export class Timeline {
  readonly #spans: TraceSpan[] = [];

  add(track: Track, name: string, span: Span, args: TraceSpan['args'] = {}): void {
    if (this.#spans.length >= MAX_SPANS) this.#spans.splice(0, MAX_SPANS / 2);
    this.#spans.push({ track, name, args, startMs: span.startMs, endMs: span.endMs });
  }

  addBatch({ slotIds, frames, copiedBytes, enqueue, generate, decode, copy }: BatchTimes): void {
    const args = { slots: slotIds.join(' '), frames };
    this.add('enqueuer', 'enqueue', enqueue, args);
    this.add('compute stream', 'generate', generate, args);
    this.add('compute stream', 'decode', decode, args);
    this.add('copy stream', 'copy to host', copy, { ...args, bytes: copiedBytes });
  }

  /**
   * One process of the trace; several can be joined by their events.
   *
   * @param title shown as the process's name: says whether the times are measured or simulated
   */
  events(title: string, processId = 1): object[] {
    const originMs = this.#spans.reduce((least, { startMs }) => Math.min(least, startMs), Infinity);
    return [
      { ph: 'M', pid: processId, tid: 0, name: 'process_name', args: { name: title } },
      ...TRACKS.map((name, tid) => ({ ph: 'M', pid: processId, tid, name: 'thread_name', args: { name } })),
      ...TRACKS.map((_, tid) => ({
        ph: 'M',
        pid: processId,
        tid,
        name: 'thread_sort_index',
        args: { sort_index: tid },
      })),
      ...this.#spans.map(({ track, name, args, startMs, endMs }) => ({
        ph: 'X',
        pid: processId,
        tid: TRACKS.indexOf(track),
        name,
        args,
        ts: (startMs - originMs) * 1000,
        dur: (endMs - startMs) * 1000,
      })),
    ];
  }
}

/** A file that chrome://tracing and Perfetto open. */
export async function writeTrace(path: string, events: readonly object[]): Promise<void> {
  await writeFile(path, JSON.stringify({ displayTimeUnit: 'ms', traceEvents: events }));
}

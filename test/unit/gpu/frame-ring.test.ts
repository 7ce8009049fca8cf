import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { FrameRing } from '../../../gpu/src/frame-ring.ts';

const invalidState = expect.objectContaining({ code: 'invalid_state' }) as Error;

function ringOf(entries: number): FrameRing {
  return FrameRing.create({ entries, frameBytes: 100 });
}

/** Takes an entry through decode and copy. */
function fill(ring: FrameRing, value: number): number {
  const entry = ring.acquire() ?? -1;
  ring.markDecoded(entry);
  ring.hostBuffer(entry).fill(value);
  ring.markCopied(entry);
  return entry;
}

describe('FrameRing', () => {
  it('gives every entry once, then says that it is full', () => {
    const ring = ringOf(3);
    expect(new Set([ring.acquire(), ring.acquire(), ring.acquire()])).toEqual(new Set([0, 1, 2]));
    expect(ring.acquire()).toBeNull();
    expect([ring.free, ring.occupancy]).toEqual([0, 3]);
  });

  it('hands a picture from the decoder to the reader', () => {
    const ring = ringOf(3);
    const lease = ring.lease(fill(ring, 7));
    expect(lease.bytes).toHaveLength(100);
    expect(lease.bytes.every((byte) => byte === 7)).toBe(true);
    lease.release();
    expect(ring.occupancy).toBe(0);
  });

  it('keeps the pictures of its entries apart', () => {
    const ring = ringOf(4);
    const leases = [1, 2, 3, 4].map((value) => ring.lease(fill(ring, value)));
    expect(leases.map(({ bytes }) => [bytes[0], bytes[99]])).toEqual(
      [1, 2, 3, 4].map((value) => [value, value]),
    );
  });

  it('takes entries back in any order and never gives out one that is read', () => {
    const ring = ringOf(3);
    const leases = [1, 2, 3].map((value) => ring.lease(fill(ring, value)));
    leases[2]?.release();
    expect(ring.acquire()).toBe(2);
    leases[0]?.release();
    expect(ring.acquire()).toBe(0);
    expect(ring.acquire()).toBeNull();
    expect(leases[1]?.bytes[0]).toBe(2);
  });

  it('refuses hand-overs out of order', () => {
    const ring = ringOf(3);
    expect(() => {
      ring.markDecoded(0);
    }).toThrow(invalidState);
    const entry = ring.acquire() ?? -1;
    expect(() => {
      ring.markCopied(entry);
    }).toThrow(invalidState);
    expect(() => ring.lease(entry)).toThrow(invalidState);
    ring.markDecoded(entry);
    expect(() => {
      ring.markDecoded(entry);
    }).toThrow(invalidState);
    expect(() => ring.lease(99)).toThrow(invalidState);
    expect(() => ringOf(2)).toThrow(invalidState);
  });

  it('refuses a second release, also when the entry is leased anew', () => {
    const ring = ringOf(3);
    const first = ring.lease(fill(ring, 1));
    first.release();
    const others = [2, 3, 4].map((value) => ring.lease(fill(ring, value)));
    expect(() => {
      first.release();
    }).toThrow(invalidState);
    expect(ring.occupancy).toBe(others.length);
  });

  it('takes back what nobody will read, at any stage before the lease', () => {
    const ring = ringOf(3);
    const acquired = ring.acquire() ?? -1;
    const decoded = ring.acquire() ?? -1;
    ring.markDecoded(decoded);
    const copied = fill(ring, 1);
    for (const entry of [acquired, decoded, copied]) ring.abandon(entry);
    expect(ring.free).toBe(3);
    expect(() => {
      ring.abandon(acquired);
    }).toThrow(invalidState);
    const entry = fill(ring, 1);
    ring.lease(entry);
    expect(() => {
      ring.abandon(entry);
    }).toThrow(invalidState);
  });

  it('leaves a page free around its pictures, for a device that pins whole pages', () => {
    const { host, offsetBytes, strideBytes, entries } = ringOf(3).handle();
    expect(offsetBytes).toBeGreaterThanOrEqual(4096);
    expect(host.byteLength - offsetBytes - entries * strideBytes).toBeGreaterThanOrEqual(4096);
  });

  it('is one ring for two threads', async () => {
    const ring = ringOf(3);
    const entry = ring.acquire() ?? -1;
    const module = new URL('../../../gpu/src/frame-ring.ts', import.meta.url).href;
    const code = `
      const { workerData } = require('node:worker_threads');
      import(workerData.module).then(({ FrameRing }) => {
        const ring = FrameRing.fromHandle(workerData.handle);
        ring.markDecoded(workerData.entry);
        ring.hostBuffer(workerData.entry).fill(42);
        ring.markCopied(workerData.entry);
      });`;
    const worker = new Worker(code, { eval: true, workerData: { module, handle: ring.handle(), entry } });
    await new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject));
    expect(ring.lease(entry).bytes.every((byte) => byte === 42)).toBe(true);
  });
});

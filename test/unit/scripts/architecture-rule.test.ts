import { expect, it } from 'vitest';
import { importFault } from '../../../scripts/architecture-rule.mjs';

it('lets client, server and gpu import signaling and never each other', () => {
  expect(importFault('client/src/a.ts', '@vizavi/signaling/channel')).toBeNull();
  expect(importFault('server/src/a.ts', '@vizavi/gpu')).toBe('server may not import gpu');
  expect(importFault('signaling/src/a.ts', '@vizavi/server')).toBe('signaling may not import server');
  expect(importFault('server/src/a.ts', '../../gpu/src/slot.ts')).toMatch(/stays in its package/);
  expect(importFault('test/stack/a.test.ts', '@vizavi/server')).toBeNull();
});

it('confines each native and network library', () => {
  expect(importFault('server/src/media-workers.ts', 'mediasoup')).toBeNull();
  expect(importFault('server/src/session.ts', 'mediasoup/types')).toMatch(/may import mediasoup$/);
  expect(importFault('gpu/src/av-video-encoder.ts', 'node-av')).toBeNull();
  expect(importFault('gpu/src/slot.ts', 'node-av/lib')).toMatch(/may import node-av$/);
  expect(importFault('server/src/http/routes.ts', '@hono/zod-openapi')).toBeNull();
  expect(importFault('server/src/server.ts', 'hono')).toMatch(/may import hono$/);
});

it('asks for the extension', () => {
  expect(importFault('gpu/src/a.ts', './slot')).toBe("write the extension: './slot.ts'");
  expect(importFault('gpu/src/a.ts', './slot.ts')).toBeNull();
});

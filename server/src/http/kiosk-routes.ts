import { createRoute, z } from '@hono/zod-openapi';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { VizaviError } from '@vizavi/signaling';
import type { MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { KIOSK_STATES, kioskToken } from '../kiosk-board.ts';
import type { KioskBoard, KioskReport } from '../kiosk-board.ts';
import { requireKey } from './access.ts';
import type { HttpEnv } from './access.ts';
import { problem as problemBody } from './schemas.ts';

const MAX_BEACON_BYTES = 2048;

const json = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { 'application/json': { schema } },
});
const problem = json(problemBody, 'What went wrong, and whether trying again can help');
const security = [{ apiKey: [] }];
const params = z.object({
  kioskId: z
    .string()
    .regex(/^[\w-]{1,64}$/, 'up to 64 letters, digits, - and _')
    .openapi({ example: 'lobby-1' }),
});
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

const beaconRequest = z
  .strictObject({
    state: z.enum(KIOSK_STATES),
    uptimeSec: count.openapi({ description: 'Since its page was loaded.' }),
    visitors: count,
    errors: count,
    lastError: z
      .string()
      .regex(/^[a-z_]{1,40}$/)
      .nullable()
      .openapi({ description: 'Its code alone.' }),
    version: z.string().regex(/^[\w.-]{0,64}$/),
  })
  .openapi('KioskBeacon');
const kiosk = beaconRequest
  .extend({
    kioskId: z.string(),
    lastSeenSec: count.openapi({ description: 'Since its last beacon.' }),
    seenAt: z.iso.datetime(),
  })
  .openapi('Kiosk');

const beacon = createRoute({
  method: 'post',
  path: '/v1/kiosks/{kioskId}/beacon',
  summary: 'Tell how a kiosk is doing',
  description: 'With an API key, or with the token of this kiosk.',
  security,
  request: {
    params,
    body: { required: true, content: { 'application/json': { schema: beaconRequest } } },
  },
  responses: {
    200: json(
      z.object({ version: z.string().openapi({ description: 'Of the page that this server has now.' }) }),
      'Kept',
    ),
    default: problem,
  },
});
const list = createRoute({
  method: 'get',
  path: '/v1/kiosks',
  summary: 'How the kiosks are doing',
  security,
  responses: { 200: json(z.object({ kiosks: z.array(kiosk) }), 'The last beacon of each'), default: problem },
});
const get = createRoute({
  method: 'get',
  path: '/v1/kiosks/{kioskId}',
  summary: 'How a kiosk is doing',
  description: 'With an API key, or with the token of this kiosk.',
  security,
  request: { params },
  responses: { 200: json(kiosk, 'Its last beacon'), default: problem },
});
const token = createRoute({
  method: 'post',
  path: '/v1/kiosks/{kioskId}/token',
  summary: 'A token for the beacon of one kiosk',
  security,
  request: { params },
  responses: {
    201: json(z.object({ kioskId: z.string(), token: z.string() }), 'Valid as long as the API key is'),
    default: problem,
  },
});

export interface KioskRoutesOptions {
  readonly board: KioskBoard;
  /** Empty: everybody on this machine may. */
  readonly apiKeys: readonly string[];
  /** Of the kiosk's page. */
  readonly pageVersion: () => Promise<string>;
  /** Bounds how often kiosks are heard. */
  readonly limit: MiddlewareHandler<HttpEnv>;
}

/** Where kiosks tell how they are doing, and where people look. */
export function addKioskRoutes(app: OpenAPIHono<HttpEnv>, options: KioskRoutesOptions): void {
  const { board, apiKeys, pageVersion, limit } = options;
  const free: MiddlewareHandler<HttpEnv> = (_context, next) => next();
  const keyOnly = apiKeys.length === 0 ? free : requireKey(apiKeys);
  const keyOrToken: MiddlewareHandler<HttpEnv> = (context, next) => {
    const kioskId = context.req.param('kioskId') ?? '';
    const tokens = apiKeys.map((key) => kioskToken(key, kioskId));
    return apiKeys.length === 0 ? next() : requireKey([...apiKeys, ...tokens])(context, next);
  };
  const small = bodyLimit({
    maxSize: MAX_BEACON_BYTES,
    onError: () => {
      throw new VizaviError('message_too_large', `A beacon may have at most ${MAX_BEACON_BYTES} bytes.`);
    },
  });
  app.post('/v1/kiosks/:kioskId/beacon', limit, keyOrToken, small);
  app.post('/v1/kiosks/:kioskId/token', limit, keyOnly);
  app.get('/v1/kiosks/:kioskId', keyOrToken);
  app.get('/v1/kiosks', keyOnly);

  const describe = (report: KioskReport): z.output<typeof kiosk> => {
    const { seenAtMs, ...rest } = report;
    return { ...rest, lastSeenSec: board.silentSec(report), seenAt: new Date(seenAtMs).toISOString() };
  };
  app.openapi(beacon, async (context) => {
    board.record(context.req.valid('param').kioskId, context.req.valid('json'));
    return context.json({ version: await pageVersion() }, 200);
  });
  app.openapi(list, (context) => context.json({ kiosks: board.list().map(describe) }, 200));
  app.openapi(get, (context) => context.json(describe(board.get(context.req.valid('param').kioskId)), 200));
  app.openapi(token, (context) => {
    const { kioskId } = context.req.valid('param');
    const [apiKey] = apiKeys;
    if (apiKey === undefined)
      throw new VizaviError('invalid_state', 'Without VIZAVI_API_KEYS a kiosk needs no token.');
    return context.json({ kioskId, token: kioskToken(apiKey, kioskId) }, 201);
  });
}

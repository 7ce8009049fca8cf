import { createRoute, z } from '@hono/zod-openapi';
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import type { SessionInfo, SessionService } from '../session-service.ts';
import type { Tokens } from '../token.ts';
import type { HttpEnv } from './access.ts';
import * as schemas from './schemas.ts';

const json = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { 'application/json': { schema } },
});
const body = <T extends z.ZodType>(schema: T, required: boolean) => ({
  required,
  content: { 'application/json': { schema } },
});
const problem = json(schemas.problem, 'What went wrong, and whether trying again can help');
const security = [{ apiKey: [] }];
const params = z.object({ sessionId: z.string() });

const create = createRoute({
  method: 'post',
  path: '/v1/sessions',
  summary: 'Open a session',
  security,
  request: { body: body(schemas.sessionRequest, false) },
  responses: { 201: json(schemas.createdSession, 'Give the token to the browser'), default: problem },
});
const get = createRoute({
  method: 'get',
  path: '/v1/sessions/{sessionId}',
  summary: 'Look at a session',
  security,
  request: { params },
  responses: { 200: json(schemas.session, 'The session'), default: problem },
});
const close = createRoute({
  method: 'delete',
  path: '/v1/sessions/{sessionId}',
  summary: 'Close a session',
  security,
  request: { params },
  responses: { 204: { description: 'Closed' }, default: problem },
});
const speak = createRoute({
  method: 'post',
  path: '/v1/sessions/{sessionId}/speak',
  summary: 'Let the avatar say a text, after what it is saying now',
  security,
  request: { params, body: body(schemas.speakRequest, true) },
  responses: { 202: json(schemas.queuedUtterance, 'Queued'), default: problem },
});
const message = createRoute({
  method: 'post',
  path: '/v1/sessions/{sessionId}/message',
  summary: 'Let the avatar answer a text',
  security,
  request: { params, body: body(schemas.messageRequest, true) },
  responses: { 202: json(schemas.begunReply, 'Begun'), default: problem },
});
const token = createRoute({
  method: 'post',
  path: '/v1/sessions/{sessionId}/tokens',
  summary: 'Let somebody else in: a presenter, or an audience',
  security,
  request: { params, body: body(schemas.tokenRequest, false) },
  responses: { 201: json(schemas.issuedToken, 'For one browser, or for many'), default: problem },
});
const interrupt = createRoute({
  method: 'post',
  path: '/v1/sessions/{sessionId}/interrupt',
  summary: 'Silence the avatar',
  security,
  request: { params },
  responses: { 200: json(schemas.interruption, 'Silent'), default: problem },
});
const avatars = createRoute({
  method: 'get',
  path: '/v1/avatars',
  summary: 'List the avatars',
  security,
  responses: { 200: json(z.object({ avatars: z.array(schemas.avatar) }), 'The avatars'), default: problem },
});

export interface SessionRoutesOptions {
  readonly service: SessionService;
  readonly tokens: Tokens;
  readonly publicUrl: () => string;
  /** Who may use these routes. */
  readonly access: MiddlewareHandler<HttpEnv>;
  /** Bounds how often sessions are opened. */
  readonly limit: MiddlewareHandler<HttpEnv>;
}

export function addSessionRoutes(app: OpenAPIHono<HttpEnv>, options: SessionRoutesOptions): void {
  const { service, tokens, publicUrl, access, limit } = options;
  app.use('/v1/*', access);
  app.post('/v1/sessions', limit);

  app.openapi(create, async (context) => {
    const { sessionId, expiresAtMs, state, queue } = await service.create(context.req.valid('json'));
    const token = await tokens.sign({ sessionId, role: 'visitor', expiresAtMs });
    const expiresAt = isoTime(expiresAtMs);
    return context.json({ sessionId, token, url: publicUrl(), expiresAt, state, queue }, 201);
  });
  app.openapi(get, (context) =>
    context.json(describe(service.info(context.req.valid('param').sessionId)), 200),
  );
  app.openapi(close, async (context) => {
    await service.close(context.req.valid('param').sessionId, 'ok');
    return context.body(null, 204);
  });
  app.openapi(speak, async (context) => {
    const { text, ...manner } = context.req.valid('json');
    const { utteranceId } = await service.speak(context.req.valid('param').sessionId, text, manner);
    return context.json({ utteranceId }, 202);
  });
  app.openapi(message, async (context) => {
    const { text } = context.req.valid('json');
    return context.json(await service.message(context.req.valid('param').sessionId, text), 202);
  });
  app.openapi(token, async (context) => {
    const { role = 'audience' } = context.req.valid('json');
    const { sessionId, expiresAtMs } = service.info(context.req.valid('param').sessionId);
    const signed = await tokens.sign({ sessionId, role, expiresAtMs });
    return context.json({ token: signed, role, url: publicUrl(), expiresAt: isoTime(expiresAtMs) }, 201);
  });
  app.openapi(interrupt, async (context) => {
    const { interrupted, tookMs } = await service.interrupt(context.req.valid('param').sessionId);
    return context.json({ interrupted: [...interrupted], tookMs }, 200);
  });
  app.openapi(avatars, (context) => {
    const list = service.avatars().map((avatar) => ({ ...avatar, voices: [...avatar.voices] }));
    return context.json({ avatars: list }, 200);
  });
}

function describe({ createdAtMs, expiresAtMs, ...info }: SessionInfo): z.output<typeof schemas.session> {
  return { ...info, createdAt: isoTime(createdAtMs), expiresAt: isoTime(expiresAtMs) };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

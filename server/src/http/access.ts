import { VizaviError } from '@vizavi/signaling';
import type { HttpBindings } from '@hono/node-server';
import type { Context, MiddlewareHandler } from 'hono';
import { matchesSecret } from '../secret-match.ts';

export interface HttpEnv {
  /** Empty where a request did not come through a socket. */
  Bindings: Partial<HttpBindings>;
}

/** `Authorization: Bearer <key>` (RFC 6750). */
export function requireKey(apiKeys: readonly string[]): MiddlewareHandler<HttpEnv> {
  return async (context, next) => {
    const [, key] = /^Bearer +(\S+) *$/i.exec(context.req.header('authorization') ?? '') ?? [];
    if (!matchesSecret(key, apiKeys)) {
      context.header('www-authenticate', 'Bearer');
      throw new VizaviError('unauthorized', 'An API key is needed: Authorization: Bearer <key>.');
    }
    await next();
  };
}

const LOCAL_NAMES = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Lets in only what a person at this machine asked for. Loopback alone is not enough: a foreign page in the person's
 * browser reaches it too, under its own Origin, or under its own name made to point here (DNS rebinding); so does
 * a proxy on this machine that serves others.
 */
export function requireThisMachine(): MiddlewareHandler<HttpEnv> {
  return async ({ req }, next) => {
    const origin = req.header('origin');
    const isLocal =
      isLocalName(`http://${req.header('host') ?? ''}`) &&
      (origin === undefined || isLocalName(origin)) &&
      // localhost and 127.0.0.1 are two sites to a browser; an origin that it names has been looked at above.
      (origin !== undefined || req.header('sec-fetch-site') !== 'cross-site') &&
      req.header('forwarded') === undefined &&
      req.header('x-forwarded-for') === undefined;
    if (!isLocal) {
      throw new VizaviError(
        'forbidden',
        'Without VIZAVI_API_KEYS this server answers only its own machine, at http://localhost.',
      );
    }
    await next();
  };
}

function isLocalName(url: string): boolean {
  return URL.canParse(url) && LOCAL_NAMES.includes(new URL(url).hostname);
}

const MINUTE_MS = 60_000;

/** At most so many requests a minute from one address. */
export function limitRate(perMinute: number, nowMs: () => number): MiddlewareHandler<HttpEnv> {
  const counts = new Map<string, number>();
  let minute = 0;
  return async (context, next) => {
    const now = Math.floor(nowMs() / MINUTE_MS);
    if (now !== minute) counts.clear();
    minute = now;
    const address = addressOf(context);
    const count = (counts.get(address) ?? 0) + 1;
    counts.set(address, count);
    if (count > perMinute) {
      context.header('retry-after', '60');
      throw new VizaviError('too_many_requests', `At most ${perMinute} of these a minute.`);
    }
    await next();
  };
}

function addressOf(context: Context<HttpEnv>): string {
  return context.env.incoming?.socket.remoteAddress ?? '';
}

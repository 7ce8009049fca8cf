import type { MiddlewareHandler } from 'hono';
import { secureHeaders } from 'hono/secure-headers';

/** Everything from this server; sockets and media by address. */
const CONTENT = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  imgSrc: ["'self'", 'data:', 'blob:'],
  mediaSrc: ["'self'", 'blob:', 'mediastream:'],
  fontSrc: ["'self'"],
  workerSrc: ["'self'", 'blob:'],
  // 'self' does not cover WebSockets in every browser.
  connectSrc: ["'self'", 'ws:', 'wss:'],
  baseUri: ["'none'"],
  formAction: ["'self'"],
  frameAncestors: ["'self'"],
};

const COMMON = {
  // Whether a name is served over TLS for good is for those to say who own it.
  strictTransportSecurity: false,
  permissionsPolicy: { microphone: ['self'], camera: [], geolocation: [] },
};

/** A deck and its pictures may come from the presenter's own server. Nothing that runs does. */
const ELSEWHERE = ['https:', 'http://localhost:*', 'http://127.0.0.1:*'];

/**
 * Security headers that fit the demo page; Swagger UI sets styles of its own; the client is there for other sites; a kiosk
 * may look whether somebody is there.
 */
export function setHeaders(): MiddlewareHandler {
  const page = secureHeaders({ ...COMMON, contentSecurityPolicy: CONTENT });
  const docs = secureHeaders({
    ...COMMON,
    contentSecurityPolicy: { ...CONTENT, styleSrc: ["'self'", "'unsafe-inline'"] },
  });
  const client = secureHeaders({
    ...COMMON,
    contentSecurityPolicy: CONTENT,
    crossOriginResourcePolicy: 'cross-origin',
  });
  const present = secureHeaders({
    ...COMMON,
    contentSecurityPolicy: {
      ...CONTENT,
      imgSrc: [...CONTENT.imgSrc, ...ELSEWHERE],
      connectSrc: [...CONTENT.connectSrc, ...ELSEWHERE],
    },
  });
  const kiosk = secureHeaders({
    ...COMMON,
    contentSecurityPolicy: { ...CONTENT, connectSrc: [...CONTENT.connectSrc, ...ELSEWHERE] },
    permissionsPolicy: { ...COMMON.permissionsPolicy, camera: ['self'] },
  });
  const special = { '/docs': docs, '/client/': client, '/present': present, '/kiosk': kiosk };
  return async (context, next) => {
    const { path } = context.req;
    const [, set = page] = Object.entries(special).find(([start]) => path.startsWith(start)) ?? [];
    await set(context, next);
    // Nothing here has a version in its name: files are asked for again and found unchanged by their ETag.
    context.header('cache-control', path.startsWith('/v1/') ? 'no-store' : 'no-cache');
  };
}

import { OpenAPIHono } from '@hono/zod-openapi';
import { VizaviError } from '@vizavi/signaling';
import { compress } from 'hono/compress';
import { etag } from 'hono/etag';
import { limitRate, requireKey, requireThisMachine } from './http/access.ts';
import type { HttpEnv } from './http/access.ts';
import { limitBody } from './http/body-limit.ts';
import { addDocsRoutes } from './http/docs-routes.ts';
import { notFound, onError } from './http/errors.ts';
import { setHeaders } from './http/headers.ts';
import { addKioskPage, kioskHeaders, KioskPage } from './http/kiosk-page.ts';
import { addKioskRoutes } from './http/kiosk-routes.ts';
import { addPageRoutes } from './http/page-routes.ts';
import { addSessionRoutes } from './http/session-routes.ts';
import { addStatusRoutes } from './http/status-routes.ts';
import { KioskBoard } from './kiosk-board.ts';
import type { SessionService } from './session-service.ts';
import { addKioskMetrics } from './telemetry-kiosks.ts';
import type { Telemetry } from './telemetry.ts';
import type { Tokens } from './token.ts';

export interface HttpOptions {
  /** Empty: development mode, for this machine alone. */
  readonly apiKeys: readonly string[];
  readonly service: SessionService;
  readonly tokens: Tokens;
  readonly telemetry: Telemetry;
  /** Where clients reach this server. */
  readonly publicUrl: () => string;
  readonly isDraining: () => boolean;
  /** Sessions that one address may open in a minute. */
  readonly sessionsPerMinute?: number;
  /** Unix milliseconds. */
  readonly nowMs?: () => number;
}

/** From one address, behind which there may be many kiosks. */
const BEACONS_PER_MINUTE = 600;

/** Everything that this server answers over HTTP. */
export function createHttp(options: HttpOptions): OpenAPIHono<HttpEnv> {
  const { apiKeys, service, tokens, telemetry, publicUrl, isDraining } = options;
  const { sessionsPerMinute = 60, nowMs = Date.now } = options;
  const { log, registry } = telemetry;
  const development = apiKeys.length === 0;

  const app = new OpenAPIHono<HttpEnv>({
    defaultHook: (result) => {
      if (result.success) return;
      const [issue] = result.error.issues;
      const where = issue?.path.join('.') ?? '';
      throw new VizaviError(
        'invalid_message',
        `${where === '' ? 'body' : where}: ${issue?.message ?? 'invalid'}`,
      );
    },
  });
  app.onError(onError(telemetry));
  app.notFound(notFound);

  app.use(async (context, next) => {
    const startMs = performance.now();
    await next();
    const { method, path } = context.req;
    const tookMs = Math.round(performance.now() - startMs);
    log.debug({ method, path, status: context.res.status, tookMs }, 'http');
  });
  app.use('/kiosk/*', kioskHeaders());
  app.use(setHeaders());
  if (development) app.use(requireThisMachine());
  app.use(compress(), etag(), limitBody());

  addStatusRoutes(app, { service, registry, isDraining });
  const kioskPage = new KioskPage(nowMs);
  const board = new KioskBoard({ nowMs });
  addKioskMetrics(registry, board);
  addKioskRoutes(app, {
    board,
    apiKeys,
    pageVersion: () => kioskPage.version(),
    limit: limitRate(BEACONS_PER_MINUTE, nowMs),
  });
  addSessionRoutes(app, {
    service,
    tokens,
    publicUrl,
    access: development ? (_context, next) => next() : requireKey(apiKeys),
    limit: limitRate(sessionsPerMinute, nowMs),
  });
  addDocsRoutes(app);
  addKioskPage(app, kioskPage);
  addPageRoutes(app);
  return app;
}

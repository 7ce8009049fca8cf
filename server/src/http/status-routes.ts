import type { OpenAPIHono } from '@hono/zod-openapi';
import { VizaviError } from '@vizavi/signaling';
import type { SessionService } from '../session-service.ts';
import type { Telemetry } from '../telemetry.ts';
import type { HttpEnv } from './access.ts';

export interface StatusRoutesOptions {
  readonly service: Pick<SessionService, 'ready'>;
  readonly registry: Telemetry['registry'];
  readonly isDraining: () => boolean;
}

/** What orchestrators and Prometheus ask. */
export function addStatusRoutes(app: OpenAPIHono<HttpEnv>, options: StatusRoutesOptions): void {
  const { service, registry, isDraining } = options;
  app.get('/healthz', (context) => context.json({ ok: true }));
  app.get('/readyz', (context) => {
    if (isDraining()) throw new VizaviError('unavailable', 'The server is stopping.');
    if (!service.ready) throw new VizaviError('unavailable', 'No avatar slot is ready yet.');
    return context.json({ ready: true });
  });
  app.get('/metrics', async (context) =>
    context.body(await registry.metrics(), 200, { 'content-type': registry.contentType }),
  );
}

import { fileURLToPath } from 'node:url';
import { serveStatic } from '@hono/node-server/serve-static';
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import type { HttpEnv } from './access.ts';

const PUBLIC_DIR = fileURLToPath(new URL('../../public', import.meta.url));
const CLIENT_DIR = fileURLToPath(new URL('../../../client/dist', import.meta.url));
const DECK_DIR = fileURLToPath(new URL('../../../client/examples/sales-demo/deck', import.meta.url));

/** The demo page, and the client and the avatars' pictures, which pages of other sites may use. */
export function addPageRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.get('/client/posters/:file{[\\w-]+\\.jpg}', shared(`${PUBLIC_DIR}/posters`));
  app.get('/client/:file{[\\w-]+\\.js(\\.map)?}', shared(CLIENT_DIR));
  app.get(
    '/present/example/*',
    serveStatic({ root: DECK_DIR, rewriteRequestPath: (path) => path.slice('/present/example'.length) }),
  );
  app.get('*', serveStatic({ root: PUBLIC_DIR }));
}

/** The file of this folder that the path ends with. */
function shared(root: string): MiddlewareHandler<HttpEnv> {
  return serveStatic({
    root,
    rewriteRequestPath: (path) => path.slice(path.lastIndexOf('/')),
    onFound: (_path, context) => {
      context.header('access-control-allow-origin', '*');
    },
  });
}

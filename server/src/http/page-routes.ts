import { fileURLToPath } from 'node:url';
import { serveStatic } from '@hono/node-server/serve-static';
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { HttpEnv } from './access.ts';

const PUBLIC_DIR = fileURLToPath(new URL('../../public', import.meta.url));
const CLIENT_DIR = fileURLToPath(new URL('../../../client/dist', import.meta.url));
const CLIENT_FILES = ['vizavi.js', 'vizavi.js.map'];

/** The demo page, and the client as one ES module that pages of other sites may import. */
export function addPageRoutes(app: OpenAPIHono<HttpEnv>): void {
  for (const file of CLIENT_FILES) {
    app.get(
      `/client/${file}`,
      serveStatic({
        path: `${CLIENT_DIR}/${file}`,
        onFound: (_path, context) => {
          context.header('access-control-allow-origin', '*');
        },
      }),
    );
  }
  app.get('*', serveStatic({ root: PUBLIC_DIR }));
}

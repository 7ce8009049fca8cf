import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { serveStatic } from '@hono/node-server/serve-static';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { MAX_BODY_BYTES } from './body-limit.ts';
import type { HttpEnv } from './access.ts';

const SWAGGER_DIR = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
const ASSETS = ['swagger-ui.css', 'swagger-ui-bundle.js'];

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>vizavi API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<div id="api"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</html>
`;
const START = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#api' });\n`;

/** The API's description, generated from the schemas that check its requests, and a page to read and try it. */
export function addDocsRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'apiKey', {
    type: 'http',
    scheme: 'bearer',
    description: 'One of VIZAVI_API_KEYS. In development mode none is needed.',
  });
  app.doc31('/openapi.json', {
    openapi: '3.1.0',
    info: {
      title: 'vizavi',
      version: '1',
      description: `Real-time streaming avatars. Request bodies are JSON of at most ${MAX_BODY_BYTES / 1024} KiB.`,
    },
    // Relative, so that the page can try it by whatever name it was reached.
    servers: [{ url: '/' }],
  });
  app.get('/docs', (context) => context.html(PAGE));
  app.get('/docs/start.js', (context) => context.body(START, 200, { 'content-type': 'text/javascript' }));
  for (const asset of ASSETS) {
    app.get(`/docs/${asset}`, serveStatic({ path: join(SWAGGER_DIR, asset) }));
  }
}

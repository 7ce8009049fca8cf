import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { listenError } from './server-errors.ts';

/** A socket for an app; it listens once told to. */
export function createHttpServer(app: { fetch: Parameters<typeof getRequestListener>[0] }): Server {
  const answer = getRequestListener(app.fetch);
  return createServer((request, response) => void answer(request, response));
}

/** @returns the port @throws VizaviError `invalid_config` when it cannot be had */
export async function listen(server: Server, host: string, port: number): Promise<number> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw listenError(error as NodeJS.ErrnoException, host, port);
  }
  return (server.address() as AddressInfo).port;
}

import { readConfig } from './config.ts';
import { VizaviServer } from './server.ts';
import { fatalLine } from './server-errors.ts';

/** When closing hangs, the process ends all the same. */
const CLOSE_LIMIT_MS = 8000;

async function main(): Promise<void> {
  const { config, secrets } = readConfig(process.env);
  const server = await VizaviServer.create(config, secrets);
  let stopping = false;
  const stop = (): void => {
    // Twice means now.
    if (stopping) process.exit(1);
    stopping = true;
    setTimeout(() => process.exit(1), CLOSE_LIMIT_MS).unref();
    server.close().catch(fail);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    await server.start();
    process.stdout.write(`vizavi is starting at ${server.publicUrl.replace('127.0.0.1', 'localhost')} …\n`);
    await server.ready();
  } catch (error) {
    await server.close();
    throw error;
  }
  if (!stopping) process.stdout.write(`vizavi is ready at ${server.publicUrl.replace('127.0.0.1', 'localhost')}\n`);
}

function fail(error: unknown): void {
  process.stderr.write(`vizavi: ${fatalLine(error)}\n`);
  process.exitCode = 1;
}

main().catch(fail);

import { readConfig } from './config.ts';
import { fatalLine } from './server-errors.ts';
import { VizaviServer } from './server.ts';

/** When closing hangs, the process ends all the same. */
const CLOSE_LIMIT_MS = 4500;

async function main(): Promise<void> {
  const { config, secrets } = readConfig(process.env);
  const server = await VizaviServer.create(config, secrets);
  const say = (line: string): void => {
    if (config.logFormat === 'text') process.stdout.write(`${line}\n`);
    else server.log.info(line);
  };
  let stopping = false;
  const stop = (): void => {
    // Twice means now.
    if (stopping) process.exit(1);
    stopping = true;
    end(server);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);

  try {
    if (process.stdout.isTTY) say('vizavi is starting…');
    await server.start();
    if (await server.ready()) say(`vizavi is ready at ${server.url}`);
  } catch (error) {
    fail(error);
    end(server);
    return;
  }
  fail(await server.failed);
  end(server);
}

function end(server: VizaviServer): void {
  setTimeout(() => process.exit(), CLOSE_LIMIT_MS).unref();
  server.close().catch(fail);
}

function fail(error: unknown): void {
  process.stderr.write(`${fatalLine(error)}\n`);
  process.exitCode = 1;
}

main().catch(fail);

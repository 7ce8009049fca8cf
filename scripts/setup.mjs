#!/usr/bin/env node
/**
 * `node scripts/setup.mjs COMMAND [ARGS]`: provides what COMMAND needs, then runs it. Silent when everything is there.
 * Plain JavaScript without dependencies, because it also runs on the older Node that it replaces.
 */
import { commands } from './setup/commands.mjs';
import { fail, say } from './setup/console.mjs';
import { createContext } from './setup/context.mjs';
import { withLock } from './setup/lock.mjs';
import { stopOnSignals } from './setup/processes.mjs';

async function main() {
  const [name, ...args] = process.argv.slice(2);
  const command = Object.hasOwn(commands, name ?? '') ? commands[name] : null;
  if (!command)
    fail(
      `unknown command ${name ?? ''}`,
      `npm start, npm test, npm run check, npm run example, npm run bench:live, npm run bench:talk, npm run bench:kiosk, npm run bench:audience, npm run bench:gpu, npm run bench:avatar, npm run vizavi or npm run trace`,
    );
  stopOnSignals();
  const context = createContext();
  for (const step of command.steps) await provide(step, context);
  process.exitCode = await command.run(context, args);
}

/** Two set-ups at once would overwrite each other's work; the second one waits and then finds it done. */
async function provide(step, context) {
  if (step.ready(context)) return;
  await withLock(context.cacheDir, async () => {
    if (!step.ready(context)) await step.provide(context);
  });
  if (!step.ready(context)) fail(`${step.name}: still missing after set-up`, step.mend);
}

main().catch((error) => {
  say(error.isSetupError ? error.message : error.stack);
  process.exitCode = 1;
});

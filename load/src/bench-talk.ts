import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { openBrowser, openProbe } from './browser.ts';
import { latency, machine, printFigures } from './figures.ts';
import { createToken } from './live-probe.ts';
import { ServerProcess } from './server-process.ts';
import { judge } from './talk-figures.ts';
import { ownMs, TalkProviders } from './talk-providers.ts';
import { writeTurns } from './talk-script.ts';
import { TalkVisitor } from './talk-visitor.ts';

const { values } = parseArgs({
  options: {
    /** Write the figures here too. */
    json: { type: 'string' },
    turns: { type: 'string', default: '50' },
    /** Write everything that was said, seen and heard here. */
    trace: { type: 'string' },
  },
});
const note = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

const turns = await writeTurns(Number(values.turns));
const providers = await TalkProviders.open(turns);
const server = await ServerProcess.start({
  VIZAVI_SLOTS: '1',
  VIZAVI_OPENAI_URL: providers.baseUrl,
  VIZAVI_CHAT_MODEL: 'bench',
  VIZAVI_EARS_MODEL: 'bench',
});
const { browser, close } = await openBrowser();
try {
  note(`bench:talk on ${machine()}, ${await browser.version()}: ${turns.length} turns`);
  const visitor = new TalkVisitor(await openProbe(browser, server.url, 'talk-probe.ts'));
  await visitor.join(await createToken(server.url));
  for (const [index, turn] of turns.entries()) {
    providers.turn = index;
    await visitor.say(turn);
    // Who cuts in does so while the avatar still speaks; anybody else waits until it is silent.
    const answered =
      turn.cutInMs === null ? await visitor.untilSilent() : await visitor.untilAnswered(turn.cutInMs);
    if (!answered) note(`turn ${index} was not answered: ${turn.text}`);
    if (index % 10 === 9) note(`${index + 1} turns`);
  }
  const heard = await visitor.leave();
  if (values.trace !== undefined) await writeFile(values.trace, JSON.stringify(heard));
  const figures = {
    machine: machine(),
    turns: turns.length,
    withPauses: turns.filter(({ pauseMs }) => pauseMs > 0).length,
    providersMs: latency(turns.map(ownMs)),
    ...judge(turns, heard),
  };
  printFigures(figures);
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(figures, null, 2)}\n`);
} finally {
  await close();
  await server.stop();
  providers.close();
}

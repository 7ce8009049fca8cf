import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Brain, Exchange } from '../../../../server/src/brain/brain.ts';
import { KnowledgeBrain } from '../../../../server/src/brain/knowledge-brain.ts';
import { splitSentences } from '../../../../server/src/brain/sections.ts';
import { answer, request } from '../../../contract/brain.contract.ts';

const DEFAULT = fileURLToPath(new URL('../../../../server/knowledge', import.meta.url));
const UNKNOWN = /^I do not know that\. You can ask me about \w/;

/** Questions of visitors, and a word that only the right answer has. */
const KNOWN: readonly (readonly [question: string, says: RegExp])[] = [
  ['What is vizavi?', /server for live avatars/],
  ['what is this', /server for live avatars/],
  ['tell me about vizavi', /server for live avatars/],
  ['How are you made?', /neural network/],
  ['How does it work?', /four steps/],
  ['What does it cost?', /costs nothing/],
  ['is it free', /costs nothing/],
  ['How much do I pay per minute?', /no fee/],
  ['Can I use it commercially?', /Apache/],
  ['what is the lisence', /Apache/],
  ['How fast are you?', /hundred and fifty milliseconds/],
  ['WHAT IS THE LATENCY', /hundred and fifty milliseconds/],
  ['how fsat is it', /hundred and fifty milliseconds/],
  ['Hello, how fast is it?', /hundred and fifty milliseconds/],
  ['How many people can talk to you at the same time?', /three avatars/],
  ['What frame rate?', /twenty-five frames/],
  ['Do I need a GPU?', /No graphics card/],
  ['Does it run on my laptop?', /two processor cores/],
  ['can I run it on windows', /other systems have not been tried/],
  ['How much mémory does it need?', /one gigabyte/],
  ['How do I install it?', /npm start/],
  ['Does it work on an iPhone?', /browser with WebRTC/],
  ['which browsr do I need', /browser with WebRTC/],
  ['how can I embed it in my website?', /JavaScript/],
  ['Is my API key safe?', /never sees the key/],
  ['Can you smile?', /five moods/],
  ['Can I interrupt you?', /at any time/],
  ['Can I make my own avatar?', /another actor/],
  ['Who is Theo?', /Mira and Theo/],
  ['what languages do you speak?', /speaks English/],
  ['Can I connect ChatGPT?', /language model/],
  ['Does it work with ollama?', /language model/],
  ['Can I add my own documents?', /Markdown files/],
  ['How do you know all this?', /searching/],
  ['Where is my data stored?', /owner's machine/],
  ['Is it GDPR compliant?', /owner's machine/],
  ['Who made you?', /open-source project/],
  ['I run a small museum. We have many visitors. How much does it cost?', /costs nothing/],
];

const NOT_KNOWN = [
  "What's the weather in Paris?",
  'What is the capital of France?',
  'Who won the world cup?',
  'Tell me a joke.',
  'What time is it?',
  'How old are you?',
  'How do I bake a cake?',
  'What is the meaning of life?',
  'How far is the moon?',
  'Who is the president of the United States?',
  'How much does a car cost?',
  'How do I lose weight fast?',
  'What is the fastest animal?',
  'Where can I buy shoes?',
  'Order a pizza.',
  'Can you read a book?',
  'Who is your father?',
  'What is my name?',
  'Où est la bibliothèque ?',
  'flibbertigibbet',
];

describe('KnowledgeBrain with the knowledge that comes with it', () => {
  let brain: Brain;
  beforeAll(async () => {
    brain = await KnowledgeBrain.open(DEFAULT);
  });
  afterAll(() => brain.close());

  it.each(KNOWN)('knows: %s', async (ask, says) => {
    const text = await answer(brain, request({ ask }));
    expect(text).toMatch(says);
    expect(splitSentences(text).length).toBeLessThanOrEqual(3);
    expect(text.length).toBeLessThan(330);
  });

  it.each(NOT_KNOWN)('does not pretend to know: %s', async (ask) => {
    expect(await answer(brain, request({ ask }))).toMatch(UNKNOWN);
  });

  it.each([
    ['Hello!', /^\[warm\]\[bow\] Hello! I am Mira\./],
    ['hey there, good morning', /^\[warm\]\[bow\] Hello! I am Mira\./],
    ['Hi Mira, how are you?', /I am fine/],
    ['Thanks a lot, Mira!', /You are welcome/],
    ['who are you', /I am Mira, an avatar/],
    ["What's your name?", /I am Mira, an avatar/],
    ['Are you a real person?', /I am an AI, not a person/],
    ['are you an AI', /I am an AI, not a person/],
    ['What can you tell me?', /^You can ask me about what vizavi is/],
    ['Bye bye', /Goodbye/],
  ])('takes part in small talk: %s', async (ask, says) => {
    const instructions = 'You are Mira, the guide of a museum.';
    expect(await answer(brain, request({ ask, instructions }))).toMatch(says);
  });

  it('has no name where nobody has told it one', async () => {
    for (const instructions of [null, 'You are the guide of a museum.']) {
      expect(await answer(brain, request({ ask: 'Who are you?', instructions }))).toMatch(/^I am an avatar:/);
    }
  });

  it('goes on with the last topic, sentence by sentence, until it has told all', async () => {
    const history: Exchange[] = [{ role: 'visitor', text: 'How does it work?' }];
    const heard: string[] = [];
    for (let turn = 0; turn < 12; turn += 1) {
      const text = await answer(brain, request({ history }));
      if (text.startsWith('That is all')) break;
      heard.push(...splitSentences(text));
      history.push({ role: 'avatar', text }, { role: 'visitor', text: turn % 2 ? 'Tell me more.' : 'go on' });
    }
    expect(heard.slice(0, 5).join(' ')).toMatch(/^Speech becomes .* over WebRTC\.$/);
    expect(new Set(heard).size).toBe(heard.length);
    expect(heard.length).toBeLessThan(30);
  });

  it('goes on after the sentence that was heard last when it was interrupted', async () => {
    const history: Exchange[] = [
      { role: 'visitor', text: 'How does it work?' },
      { role: 'avatar', text: 'Speech becomes a picture in four steps. First a voice' },
      { role: 'visitor', text: 'Thank you.' },
      { role: 'avatar', text: 'You are welcome.' },
      { role: 'visitor', text: 'Please go on.' },
    ];
    expect(await answer(brain, request({ history }))).toMatch(/^First a voice turns/);
  });

  it('says what it knows when there is nothing to go on with', async () => {
    expect(await answer(brain, request({ ask: 'Tell me more.' }))).toMatch(/You can ask me about/);
  });

  it('takes the end of a message that is too long, and says so', async () => {
    const ask = `${'I have been thinking about my garden. '.repeat(100)}What does it cost?`;
    expect(await answer(brain, request({ ask }))).toMatch(/^That was a lot at once.* Vizavi costs nothing\./);
  });
});

describe('KnowledgeBrain with other knowledge', () => {
  let folder: string;
  let brain: Brain;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vizavi-test-'));
    writeFileSync(
      join(folder, 'museum.md'),
      [
        '# Our museum',
        'We show **clocks** from [four centuries](https://example.org).',
        '## Opening hours',
        'We open at nine. We are closed on Mondays.',
        '| day | hours |\n|---|---|\n| Tuesday | 9–5 |',
        '## Café',
        'There is:\n- tea\n- *fresh* coffee\n- `cake`',
        '```\nsecret code\n```',
      ].join('\n\n'),
    );
    brain = await KnowledgeBrain.open(folder);
  });
  afterAll(async () => {
    await brain.close();
    rmSync(folder, { recursive: true });
  });

  it.each([
    ['Do you have clocks?', 'We show clocks from four centuries.'],
    ['Are you closed on monday?', 'We are closed on Mondays.'],
    ['When are you closed?', 'We are closed on Mondays.'],
    ['opening hours', 'We open at nine. We are closed on Mondays.'],
    ['Is there a cafe?', 'There is: tea, fresh coffee and cake.'],
  ])('answers %s', async (ask, says) => {
    expect(await answer(brain, request({ ask }))).toBe(says);
  });

  it('leaves out what cannot be said', async () => {
    expect(await answer(brain, request({ ask: 'secret code' }))).toMatch(UNKNOWN);
    expect(await answer(brain, request({ ask: 'Tuesday' }))).toMatch(UNKNOWN);
  });

  it('names its own topics', async () => {
    expect(await answer(brain, request({ ask: 'What is a llama?' }))).toContain('about our museum.');
  });
});

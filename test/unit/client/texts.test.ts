import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { VizaviError } from '@vizavi/signaling';
import { readBubbleSettings } from '../../../client/src/bubble/settings.ts';
import { fill } from '../../../client/src/element/texts.ts';
import { queued, readWords, refused, stopped } from '../../../client/src/element/words.ts';

let warnings: string[] = [];
beforeEach(() => {
  warnings = [];
  vi.spyOn(console, 'warn').mockImplementation((line: string) => void warnings.push(line));
});
afterEach(() => {
  vi.restoreAllMocks();
});

it('has a README that names all of them', () => {
  const readme = readFileSync(new URL('../../../client/README.md', import.meta.url), 'utf8');
  const { texts } = readBubbleSettings({}, 'https://avatars.example/client/bubble.js');
  const words: object = readWords(null);
  for (const key of Object.keys({ ...texts, ...words })) {
    // A title's text goes without saying.
    if (!key.endsWith('Text') || !(key.slice(0, -4) in words)) expect(readme).toContain(`\`${key}\``);
  }
});

it('takes the words of the page, and English where it has none', () => {
  const words = readWords('{ "start": "Los geht’s", "lost": "Verbindung verloren" }');
  expect(words.start).toBe('Los geht’s');
  expect(words.leave).toBe('End the conversation');
  expect(stopped(words, 'network')).toEqual(['Verbindung verloren', 'Check your network, then start again.']);
  expect(readWords(null).start).toBe('Start');
  expect(warnings).toEqual([]);
});

it('tells once of what it does not know or cannot use, and goes on', () => {
  const json = '{ "nonsense": "?", "toString": "?", "notice": " ", "send": 7, "start": "Los" }';
  for (let times = 0; times < 3; times += 1) {
    const words = readWords(json);
    expect(words.start).toBe('Los');
    expect(words.send).toBe('Send');
    // People must be told: nobody leaves it out by mistake.
    expect(words.notice).toMatch(/AI avatar/);
  }
  expect(warnings).toEqual([
    'vizavi: texts: notice must be a text',
    'vizavi: texts: send must be a text',
    'vizavi: texts: there is no nonsense',
    'vizavi: texts: there is no toString',
  ]);
});

it.each(['{', '[]', 'null', '"Los"'])('speaks English where the texts are %s', (json) => {
  expect(readWords(json)).toEqual(readWords(null));
  expect(warnings).toEqual(['vizavi: texts: must be a JSON object']);
});

it('fills the places that it knows', () => {
  expect(fill('{name} and {name}, {other}', { name: '$& Mira' })).toBe('$& Mira and $& Mira, {other}');
});

it('tells people in the queue where they stand', () => {
  const words = readWords(null);
  expect(queued(words, { position: 1, estimateMs: null })).toBe('You are next');
  expect(queued(words, { position: 3, estimateMs: 41_000 })).toBe('You are number 3 · about 40 seconds');
  const german = readWords(
    '{ "queuedPlace": "Platz {position}", "queuedWait": "etwa {wait}", "minutes": "{count} Minuten" }',
  );
  expect(queued(german, { position: 3, estimateMs: 180_000 })).toBe('Platz 3 · etwa 3 Minuten');
});

it('says why something was refused, in the words of the page where there are some', () => {
  const words = readWords('{ "notSent": "Nicht angekommen." }');
  expect(refused(words, new VizaviError('disconnected', 'the connection is lost'))).toBe('Nicht angekommen.');
  expect(refused(words, new VizaviError('too_many_requests', 'too many'))).toMatch(/wait a moment/);
  expect(refused(words, new VizaviError('text_too_long', 'at most 10'))).toBe('at most 10');
});

it('keeps what the bubble says itself, and hands the rest to the element', () => {
  const data = { texts: '{ "ask": "Frag {name}…", "connecting": "Verbinde…", "nonsense": "?" }', lang: 'de' };
  const { texts, passed } = readBubbleSettings(data, 'https://avatars.example/client/bubble.js');
  expect(texts.ask).toBe('Frag {name}…');
  expect(texts.minimise).toBe('Minimise');
  expect(passed['lang']).toBe('de');
  expect(JSON.parse(passed['texts']!)).toEqual({ connecting: 'Verbinde…', nonsense: '?' });
  expect(readBubbleSettings({}, 'https://avatars.example/client/bubble.js').passed).toEqual({});
  // The element tells of it, which knows all other words.
  expect(warnings).toEqual([]);
});

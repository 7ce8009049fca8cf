import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Hearing } from '../../server/src/ears/hearing.ts';
import type { Ear } from '../../server/src/ears/hearing.ts';
import { openVoice } from '../../server/src/voice/index.ts';
import type { Voice } from '../../server/src/voice/voice.ts';
import { hear } from '../support/heard.ts';
import type { HeardEvent, HearOptions } from '../support/heard.ts';
import {
  atLoudness,
  badNetwork,
  durationMs,
  joined,
  keyboard,
  mixed,
  noise,
  OpusMicrophone,
  say,
  seeded,
  silence,
  tune,
  voiceEndMs,
  voiceStartMs,
} from '../support/spoken.ts';

const NORMAL_DB = -22;
const SENTENCES = [
  'Hello there, how are you?',
  'I would like to order two of them.',
  'Stop, please.',
  'No.',
  'My name is Peter.',
];
/** What the avatar says. */
const STORY =
  'I can tell you a lot about our museum, which opened more than a hundred years ago. There are three floors, a ' +
  'garden, and a restaurant with a view over the river. On the first floor you will find paintings from the north, ' +
  'on the second one sculptures. Would you like to hear more about the garden? It is open until six in the evening. ';

const percentile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor(share * (values.length - 1))] ?? NaN;

const PATIENCE = { timeout: 60_000, interval: 20 };

describe('Hearing, with the real thread', () => {
  let voice: Voice;
  let hearing: Hearing;
  beforeAll(async () => {
    voice = await openVoice();
    // Sound comes faster than it would, and on a busy machine in pieces: time that passes is not silence.
    hearing = new Hearing({ idleAfterMs: 1e9 });
    await hearing.warmUp();
  });
  afterAll(() => Promise.all([voice.close(), hearing.close()]));

  const types = (events: readonly HeardEvent[]): string[] => events.map(({ type }) => type);

  const CONDITIONS: readonly (readonly [
    name: string,
    change: (sound: Int16Array, random: () => number) => Int16Array,
    network: boolean,
  ])[] = [
    ['at a normal level', (sound) => sound, false],
    ['softly', (sound) => atLoudness(sound, -40), false],
    [
      'in noise that is 10 dB softer',
      (sound, random) => mixed(sound, atLoudness(noise(durationMs(sound), random), NORMAL_DB - 10)),
      false,
    ],
    ['over a network that loses and swaps one packet in twenty', (sound) => sound, true],
  ];

  it.each(CONDITIONS)('hears two people who speak %s', async (_, change, network) => {
    const random = seeded(11);
    const latencies: number[] = [];
    for (const name of ['slt', 'rms']) {
      for (const text of SENTENCES) {
        const spoken = atLoudness(await say(voice, text, name), NORMAL_DB);
        const sound = joined(silence(1000 + 32 * random()), spoken, silence(1500));
        const [startMs, endMs] = [voiceStartMs(sound), voiceEndMs(sound)];
        const options: HearOptions = network
          ? { network: (packets) => badNetwork(packets, random, { lost: 0.05, swapped: 0.05 }) }
          : {};
        const { events } = await hear(hearing, change(sound, random), options);
        const [started] = events;
        const ended = events.at(-1);
        expect(types(events).join(' '), text).toMatch(
          /^speechStarted (probableEnd resumed )*probableEnd ended$/,
        );
        if (started?.type !== 'speechStarted' || ended?.type !== 'ended') continue;
        latencies.push(started.atMs - startMs);
        // All of the words, and not much more.
        expect(started.atMs - started.beganMsAgo - 300, text).toBeLessThan(startMs);
        expect(ended.pcm.length / 16, text).toBeGreaterThan(endMs - startMs);
        expect(ended.pcm.length / 16, text).toBeLessThan(endMs - startMs + 300 + 256 + 600);
        expect(ended.atMs - endMs, text).toBeGreaterThan(500);
        expect(ended.atMs - endMs, text).toBeLessThan(1200);
      }
    }
    expect(percentile(latencies, 0.5)).toBeLessThan(160);
    expect(Math.max(...latencies)).toBeLessThan(250);
  });

  it.each([
    ['a fan', (random: () => number) => atLoudness(noise(15_000, random), -25)],
    ['a hiss', (random: () => number) => atLoudness(noise(15_000, random, 'white'), -25)],
    ['a keyboard', (random: () => number) => atLoudness(keyboard(15_000, random), -25)],
    ['a tune', (random: () => number) => atLoudness(tune(15_000, random), NORMAL_DB)],
    ['nothing', () => silence(15_000)],
  ])('does not take %s for a person', async (_, sound) => {
    const { events, frames } = await hear(hearing, sound(seeded(5)));
    expect(frames.length).toBeGreaterThan(440);
    expect(types(events)).toEqual([]);
  });

  it.each([
    ['slt', -40],
    ['rms', -45],
    ['slt', -50],
  ] as const)('does not take the avatar (%s) for a person while it hears it at %i dBFS', async (name, db) => {
    const spoken = await say(voice, STORY.repeat(3), name);
    const echo = joined(silence(300), atLoudness(spoken, db), silence(500));
    expect(durationMs(echo)).toBeGreaterThan(50_000);
    const { events, frames } = await hear(hearing, echo, {
      avatarSpeaks: (atMs) => atMs > 200 && atMs < durationMs(echo) - 500,
    });
    // The guard has something to do: this is speech to the voice detector.
    expect(frames.filter(({ probability }) => probability > 0.8).length).toBeGreaterThan(1000);
    expect(types(events)).toEqual([]);
  });

  it('hears a person who cuts in while the microphone hears the avatar too', async () => {
    const random = seeded(21);
    const avatar = await say(voice, STORY, 'slt');
    const latencies: number[] = [];
    for (const db of [-42, -50]) {
      const echo = atLoudness(avatar.subarray(0, 16_000 * 8), db);
      for (const text of SENTENCES) {
        const spoken = atLoudness(await say(voice, text, 'rms'), NORMAL_DB);
        const atMs = Math.round(3000 + 1500 * random());
        const startMs = atMs + voiceStartMs(spoken);
        const { events } = await hear(hearing, mixed(echo, spoken, atMs), { avatarSpeaks: () => true });
        expect(types(events)[0], text).toBe('speechStarted');
        expect(events[0]!.atMs, text).toBeGreaterThan(startMs);
        latencies.push(events[0]!.atMs - startMs);
      }
    }
    expect(percentile(latencies, 0.5)).toBeLessThan(180);
    expect(percentile(latencies, 0.9)).toBeLessThan(280);
  });

  it('hears again after anything that came in place of packets', async () => {
    const random = seeded(8);
    const garbage = (): Buffer => Buffer.from(new Uint8Array(random() * 400).map(() => random() * 256));
    const spoken = joined(silence(1000), await say(voice, SENTENCES[0]!), silence(1500));
    const { events } = await hear(hearing, spoken, {
      network: (packets) => packets.flatMap((packet) => [packet, garbage(), Buffer.alloc(0), packet]),
    });
    expect(types(events).at(-1)).toBe('ended');
    expect(types(events).filter((type) => type === 'speechStarted')).toHaveLength(1);
  });

  it('stands 10,000 packets at once, and delays nobody else for long', async () => {
    const microphone = await OpusMicrophone.open();
    const packets = await microphone.packets(joined(silence(500), await say(voice, SENTENCES[1]!)));
    await microphone.close();
    let [flooded, other] = [0, 0];
    const listen = (onFrame: () => void): Ear =>
      hearing.listen({ onFrame, onError: () => expect.unreachable() });
    const [flood, calm] = [listen(() => (flooded += 1)), listen(() => (other += 1))];
    for (let i = 0; i < 10_000; i += 1) {
      const packet = Buffer.from(packets[i % packets.length]!);
      packet.writeUInt16BE(i & 0xffff, 2);
      packet.writeUInt32BE(i * 960, 4);
      flood.packet(packet);
    }
    for (const packet of packets) calm.packet(packet);
    const expected = Math.floor((packets.length * 20) / 32);
    await vi.waitFor(() => expect(other).toBeGreaterThanOrEqual(expected - 2), PATIENCE);
    await vi.waitFor(() => expect(flooded).toBeGreaterThan(200), PATIENCE);
    flood.close();
    calm.close();
  });

  it('listens to 20 at once, some of whom leave in the midst of it', async () => {
    const microphone = await OpusMicrophone.open();
    const packets = await microphone.packets(joined(silence(300), await say(voice, SENTENCES[1]!)));
    await microphone.close();
    const heard = Array.from({ length: 20 }, (): number[] => []);
    const ears = heard.map((probabilities) =>
      hearing.listen({
        onFrame: ({ probability }) => probabilities.push(probability),
        onError: () => expect.unreachable(),
      }),
    );
    for (const [index, packet] of packets.entries()) {
      for (const ear of ears) ear.packet(packet);
      if (index !== 40) continue;
      await vi.waitFor(() => expect(heard[19]!.length).toBeGreaterThan(10), PATIENCE);
      for (const ear of ears.slice(0, 10)) ear.close();
    }
    const expected = Math.floor((packets.length * 20) / 32);
    for (const probabilities of heard.slice(10)) {
      await vi.waitFor(() => expect(probabilities.length).toBeGreaterThanOrEqual(expected - 2), PATIENCE);
    }
    for (const probabilities of heard.slice(0, 10)) expect(probabilities.length).toBeLessThan(30);
    // All heard the same: no ear's memory leaks into another's.
    for (const probabilities of heard.slice(10)) {
      expect(probabilities.slice(0, expected - 2)).toEqual(heard[19]!.slice(0, expected - 2));
    }
    for (const ear of ears) ear.close();
  });

  it('ends the turn of a microphone that falls silent without a word', async () => {
    const live = new Hearing();
    await live.warmUp();
    const spoken = joined(silence(300), await say(voice, SENTENCES[1]!));
    const { events } = await hear(live, spoken, { untilMs: durationMs(spoken) + 1000 });
    await live.close();
    expect(types(events).at(-1)).toBe('ended');
  });
});

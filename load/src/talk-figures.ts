import type { TurnLatency } from '@vizavi/signaling';
import { latency, percentile } from './figures.ts';
import type { Latency } from './figures.ts';
import { ownMs } from './talk-providers.ts';
import type { Turn } from './talk-script.ts';

interface Seen {
  readonly ms: number;
  readonly type: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What one conversation was, on the page's clock. */
export interface Heard {
  /** When each turn was spoken into the microphone. */
  readonly said: readonly { readonly startMs: number; readonly endMs: number }[];
  readonly events: readonly Seen[];
  /** RMS of what was played, every 5 ms. */
  readonly sound: readonly { readonly ms: number; readonly rms: number }[];
  /** How far the mouth was from its rest, every frame. */
  readonly mouth: readonly { readonly ms: number; readonly mouth: number }[];
}

export interface TalkFigures {
  /** Turns that were understood as one turn, at the right end. */
  readonly turnsRight: number;
  /** Turns that were answered before their end, in pieces, or not at all. */
  readonly wrongTurnEnds: number;
  /** Times when the avatar took its own voice, or silence, for the visitor's. */
  readonly echoTriggers: number;
  /** Turns with a reply that was seen and heard: what the times are of. */
  readonly turnsTimed: number;
  /** From the end of the visitor's words to the first frame with a voiced mouth. */
  readonly turnMs: Latency;
  /** The same without what the providers themselves took. */
  readonly beyondProvidersMs: Latency;
  readonly turnSoundMs: Latency;
  /** By the server's own stages. */
  readonly endOfTurnMs: Latency;
  readonly earsMs: Latency;
  readonly brainMs: Latency;
  readonly voiceMs: Latency;
  readonly avatarMs: Latency;
  /** Times when the visitor cut in: all, those that nobody noticed, and those that met a pause between two sentences. */
  readonly cutIns: number;
  readonly cutInsUnnoticed: number;
  readonly cutInsInPause: number;
  /** From the visitor's first sound, and from the server's noticing, to the last sound of the avatar. */
  readonly cutInMs: Latency;
  readonly noticedToSilenceMs: Latency;
  /** A caption's first word against the sound's beginning; positive: the caption was late. */
  readonly captionMs: Latency & { readonly p5: number; readonly worst: number };
  readonly captions: number;
}

/** Speech is louder, silence is quieter. */
const AUDIBLE = 0.01;
/** A mouth this far from every rest is speaking. */
const VOICED = 2;
/** Sound that belongs together has no longer gaps. */
const GAP_MS = 150;
/** A reply begins within this time, or never. */
const LATEST_MS = 6000;
/** The microphone's own way to the server and back. */
const TOLERANCE_MS = 400;

/** @param turns what the visitor was to say, in order, as in `heard.said` */
export function judge(turns: readonly Turn[], heard: Heard): TalkFigures {
  const { said, events, sound, mouth } = heard;
  const of = (type: string): Seen[] => events.filter((event) => event.type === type);
  const audible = sound.filter(({ rms }) => rms > AUDIBLE);
  const starts = of('user.speak_started');
  const texts = of('user.transcription');

  const echoTriggers = starts.filter(
    ({ ms }) => !said.some(({ startMs, endMs }) => ms > startMs - 50 && ms < endMs + TOLERANCE_MS),
  ).length;

  let turnsRight = 0;
  const frameMs: number[] = [];
  const soundMs: number[] = [];
  const beyondMs: number[] = [];
  const cutInMs: number[] = [];
  const noticedMs: number[] = [];
  let cutIns = 0;
  let unnoticed = 0;
  said.forEach(({ startMs, endMs }, index) => {
    const turn = turns[index];
    if (!turn) return;
    const nextMs = said[index + 1]?.startMs ?? Infinity;
    const mine = texts.filter(({ ms }) => ms > startMs && ms < Math.min(nextMs + 300, endMs + LATEST_MS));
    const right = mine.length === 1 && mine[0]?.body['text'] === turn.text && mine[0].ms > endMs;
    if (right) {
      turnsRight += 1;
      // A face that listens is not at rest either: the voiced frame is the one that comes with the sound.
      const heardAt = audible.find(({ ms }) => ms > endMs + GAP_MS)?.ms ?? Infinity;
      const seenAt = mouth.find((frame) => frame.ms > heardAt - GAP_MS && frame.mouth > VOICED)?.ms;
      if (heardAt < nextMs && seenAt !== undefined) {
        soundMs.push(heardAt - endMs);
        frameMs.push(seenAt - endMs);
        beyondMs.push(Math.max(0, Math.max(seenAt, heardAt) - endMs - ownMs(turn)));
      }
    }
    if (turns[index - 1]?.cutInMs == null) return;
    // This turn cut into the reply before it.
    const noticed = starts.find(({ ms }) => ms > startMs - 50 && ms < endMs + TOLERANCE_MS)?.ms;
    const next = of('avatar.speak_started').find(({ ms }) => ms > startMs)?.ms ?? endMs + LATEST_MS;
    const last = audible.findLast(({ ms }) => ms > startMs && ms < next)?.ms;
    cutIns += 1;
    if (noticed === undefined) unnoticed += 1;
    // In a pause between two sentences there was nothing to be silenced.
    if (last === undefined || noticed === undefined) return;
    cutInMs.push(last - startMs);
    noticedMs.push(Math.max(0, last - noticed));
  });

  const stages = of('avatar.reply_ended').map(({ body }) => body['latency'] as TurnLatency);
  const stage = (name: keyof TurnLatency): Latency => latency(stages.flatMap((times) => times[name] ?? []));
  const offsets = captionOffsets(events, audible);
  return {
    turnsRight,
    wrongTurnEnds: said.length - turnsRight,
    echoTriggers,
    turnsTimed: frameMs.length,
    turnMs: latency(frameMs),
    beyondProvidersMs: latency(beyondMs),
    turnSoundMs: latency(soundMs),
    endOfTurnMs: stage('endOfTurnMs'),
    earsMs: stage('earsMs'),
    brainMs: stage('brainMs'),
    voiceMs: stage('voiceMs'),
    avatarMs: stage('avatarMs'),
    cutIns,
    cutInsUnnoticed: unnoticed,
    cutInsInPause: cutIns - unnoticed - cutInMs.length,
    cutInMs: latency(cutInMs),
    noticedToSilenceMs: latency(noticedMs),
    captionMs: {
      ...latency(offsets),
      p5: percentile(offsets, 0.05),
      worst: Math.max(...offsets.map(Math.abs)),
    },
    captions: offsets.length,
  };
}

/** Of each clause that begins after a gap: when its caption came, counted from when its sound was heard. */
function captionOffsets(events: readonly Seen[], audible: Heard['sound']): number[] {
  const shown: { ms: number; text: string }[] = [];
  let before = '';
  for (const { ms, type, body } of events) {
    if (type !== 'captions.changed') continue;
    const caption = body['caption'] as { utteranceId: string; text: string } | null;
    const text = caption ? `${caption.utteranceId} ${caption.text}` : '';
    if (text !== '' && text !== before) shown.push({ ms, text });
    before = text;
  }
  const onsets = audible.filter(({ ms }, index) => ms - (audible[index - 1]?.ms ?? 0) > GAP_MS);
  return shown.flatMap(({ ms }) => {
    const [nearest] = onsets.map((onset) => ms - onset.ms).sort((a, b) => Math.abs(a) - Math.abs(b));
    // A clause without a pause before it has no beginning that could be heard.
    return nearest !== undefined && Math.abs(nearest) < 400 ? [nearest] : [];
  });
}

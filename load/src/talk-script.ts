import { openVoice } from '@vizavi/server/voice';

/** One thing that the visitor says, and what the brain answers. */
export interface Turn {
  readonly text: string;
  readonly reply: string;
  /** Mono, 16 kHz, without silence around it. */
  readonly pcm: Int16Array;
  /** A pause within a sentence, ms; 0: none. */
  readonly pauseMs: number;
  /** The visitor cuts in so long after the avatar's first sound; null: waits for its end. */
  readonly cutInMs: number | null;
}

const RATE = 16_000;
/** In two halves, between which a visitor may stop to think. */
const QUESTIONS: readonly (readonly [string, string, string])[] = [
  [
    'Good morning, I would like to know',
    'what this is.',
    'Good morning. This is a live avatar. It answers in its own voice.',
  ],
  [
    'Can you tell me',
    'how much it costs?',
    'It costs nothing. The program is free, and it runs on your own machine.',
  ],
  [
    'I have a small shop',
    'and few people.',
    'Then a small machine is enough for you. Two cores serve a visitor or two.',
  ],
  ['How long does it take', 'until you answer?', 'Less than a second. Most people do not notice it at all.'],
  [
    'What happens',
    'when I interrupt you?',
    'I fall silent at once, and I remember what I had said until then.',
  ],
  [
    'Could you show me',
    'the second page again?',
    'Of course. Here is the second page again, with the figures of last year.',
  ],
  [
    'My colleague wants to know',
    'whether it works offline.',
    'Yes, it does. Nothing leaves the house unless you want it to.',
  ],
  ['Which languages', 'do you speak?', 'Today I speak English. Other voices can be connected.'],
  ['I am not sure', 'that I understand.', 'Let me say it in another way. I am a program with a face.'],
  [
    'Please tell me',
    'something about the history of this museum.',
    'The museum was opened in eighteen ninety. It has had a second wing since the year two thousand.',
  ],
];

/** Speech of visitors: other voices than the avatar's, with and without a pause to think, waiting or cutting in. */
export async function writeTurns(count: number): Promise<Turn[]> {
  const voice = await openVoice();
  const say = async (text: string, name: string): Promise<Int16Array> => {
    const parts: Int16Array[] = [];
    for await (const { pcm } of voice.speak(text, { voice: name })) parts.push(pcm);
    return joined(parts);
  };
  try {
    const turns: Turn[] = [];
    for (let turn = 0; turn < count; turn += 1) {
      const [first, second, reply] = QUESTIONS[turn % QUESTIONS.length] as (typeof QUESTIONS)[number];
      const name = turn % 3 === 2 ? 'awb' : 'rms';
      const pauseMs = turn % 6 === 4 ? 300 + ((turn * 37) % 200) : 0;
      const text = `${first} ${second}`;
      const pcm =
        pauseMs === 0
          ? await say(text, name)
          : joined([await say(first, name), silence(pauseMs), await say(second, name)]);
      // The next turn cuts into the reply to this one.
      const cutInMs = turn % 3 === 1 ? 700 + ((turn * 131) % 900) : null;
      turns.push({ text, reply, pcm, pauseMs, cutInMs });
    }
    return turns;
  } finally {
    await voice.close();
  }
}

export function durationMs({ pcm }: Pick<Turn, 'pcm'>): number {
  return (pcm.length * 1000) / RATE;
}

function silence(ms: number): Int16Array {
  return new Int16Array(Math.round((ms * RATE) / 1000));
}

function joined(parts: readonly Int16Array[]): Int16Array {
  return Int16Array.from(parts.flatMap((part) => [...part]));
}

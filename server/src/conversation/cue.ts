import { EMOTIONS } from '@vizavi/signaling';
import type { Emotion } from '@vizavi/signaling';

const CUE = new RegExp(`^\\s*\\[(${EMOTIONS.join('|')})\\]\\s*`, 'i');
/** Longer than any cue. */
const LONGEST = 24;

/**
 * Takes a cue such as `[warm]` off the front of a reply that is still being written: how it is to be said, in the manner of
 * the field's director's notes. What merely looks like one stays.
 */
export async function* withoutCue(
  pieces: AsyncIterable<string>,
  onCue: (emotion: Emotion) => void,
): AsyncGenerator<string> {
  let held: string | null = '';
  for await (const piece of pieces) {
    if (held === null) {
      yield piece;
      continue;
    }
    held += piece;
    const start = held.trimStart();
    if ((start === '' || start.startsWith('[')) && !held.includes(']') && held.length < LONGEST) continue;
    yield taken(held, onCue);
    held = null;
  }
  if (held !== null && held !== '') yield taken(held, onCue);
}

function taken(text: string, onCue: (emotion: Emotion) => void): string {
  const [cue, name] = CUE.exec(text) ?? [];
  const emotion = EMOTIONS.find((known) => known === name?.toLowerCase());
  if (cue === undefined || !emotion) return text;
  onCue(emotion);
  return text.slice(cue.length);
}

import { EMOTIONS, GESTURES } from '@vizavi/signaling';
import type { Manner } from '@vizavi/signaling';

const CUE = new RegExp(`^\\s*\\[(${[...EMOTIONS, ...GESTURES].join('|')})\\]\\s*`, 'i');
/** Longer than any cue. */
const LONGEST = 24;

/**
 * Takes cues such as `[warm]` and `[nod]` off the front of a reply that is still being written: how it is to be said, in the
 * manner of the field's director's notes. What merely looks like one stays.
 */
export async function* withoutCue(
  pieces: AsyncIterable<string>,
  onCue: (cue: Manner) => void,
): AsyncGenerator<string> {
  let held: string | null = '';
  for await (const piece of pieces) {
    if (held === null) {
      yield piece;
      continue;
    }
    held = taken(held + piece, onCue);
    const start = held.trimStart();
    if ((start === '' || start.startsWith('[')) && !held.includes(']') && held.length < LONGEST) continue;
    yield held;
    held = null;
  }
  if (held !== null && held !== '') yield held;
}

/** The text without the cues that it begins with. */
function taken(text: string, onCue: (cue: Manner) => void): string {
  let rest = text;
  for (let found = CUE.exec(rest); found; found = CUE.exec(rest)) {
    const name = found[1]?.toLowerCase();
    const emotion = EMOTIONS.find((known) => known === name);
    const gesture = GESTURES.find((known) => known === name);
    onCue({ ...(emotion && { emotion }), ...(gesture && { gesture }) });
    rest = rest.slice(found[0].length);
  }
  return rest;
}

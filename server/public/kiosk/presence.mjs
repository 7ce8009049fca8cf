/** The picture that is looked at: no more is needed, and nobody can be recognised in it. */
export const WIDTH = 64;
export const HEIGHT = 48;
export const PERIOD_MS = 250;

/** A block of so many pixels squared is one thing that can change. */
const BLOCK = 4;
const COLUMNS = WIDTH / BLOCK;
const ROWS = HEIGHT / BLOCK;
/** The middle of the picture, in blocks: who stands before the screen, not who walks at its edge. */
const LEFT = 4;
const RIGHT = COLUMNS - 4;
/** Grey levels out of 255 by which a block differs from the empty room. */
const DIFFERENT = 14;
/** Share of the middle that a person fills at least. */
const FILLED = 0.12;
/** Share of all blocks: so much changes at once only with the light. */
const LIGHT_SHARE = 0.6;
/** Frames in which an empty room becomes the background. */
const SLOW = 40;
/** What has not moved for so long is furniture. */
const STILL_FRAMES = 240;
const MOVED = 5;

/** How many frames somebody must be there, and away: a little more than a second, and ten. */
const CAME_FRAMES = 5;
const LEFT_FRAMES = 40;
/** Columns of blocks that somebody who stays wanders in that time, at most. */
const WANDER = 3;

/** Whether somebody stands before the screen, from small grey pictures, four a second. */
export class PresenceDetector {
  #room = null;
  #last = null;
  #stay = new Stay();
  #stillFrames = 0;

  get isPresent() {
    return this.#stay.isPresent;
  }

  /**
   * @param {Uint8Array | Uint8ClampedArray} grey WIDTH × HEIGHT
   * @returns {'came' | 'left' | null}
   */
  push(grey) {
    const blocks = toBlocks(grey);
    const room = this.#room;
    const last = this.#last;
    this.#last = blocks;
    if (!room || !last) {
      this.#room = blocks;
      return null;
    }
    // Less or more light, everywhere alike: a cloud, a flickering lamp, the camera's own exposure.
    const gain = median(blocks.map((value, index) => (value + 1) / (room[index] + 1)));
    const lit = blocks.map((value) => value / gain);
    const different = lit.map((value, index) => Math.abs(value - room[index]) > DIFFERENT);
    if (share(different) > LIGHT_SHARE) {
      // Another light, with other shadows: another room.
      this.#room = blocks;
      return this.#stay.unsure();
    }
    const at = inMiddle(different);
    const isThere = at.length >= FILLED * ROWS * (RIGHT - LEFT);
    const lastGain = median(blocks.map((value, index) => (value + 1) / (last[index] + 1)));
    const moved = blocks.some((value, index) => Math.abs(value / lastGain - last[index]) > MOVED);
    this.#stillFrames = moved ? 0 : this.#stillFrames + 1;
    if (isThere && this.#stillFrames > STILL_FRAMES) this.#room = blocks;
    else if (!isThere) this.#room = room.map((value, index) => value + (lit[index] * gain - value) / SLOW);
    return this.#stay.push(isThere ? mean(at) : null);
  }
}

/** Coming and going, from seeing and not seeing. */
export class Stay {
  #seen = [];
  #away = 0;
  isPresent = false;

  /**
   * @param {number | null} where somebody is, in sixteenths of the picture's width; null: nobody
   * @returns {'came' | 'left' | null}
   */
  push(where) {
    if (this.isPresent) {
      this.#away = where === null ? this.#away + 1 : 0;
      if (this.#away < LEFT_FRAMES) return null;
      this.isPresent = false;
      this.#seen = [];
      return 'left';
    }
    if (where === null) this.#seen = [];
    else this.#seen = [...this.#seen, where].slice(-CAME_FRAMES);
    if (this.#seen.length < CAME_FRAMES || Math.max(...this.#seen) - Math.min(...this.#seen) > WANDER)
      return null;
    this.isPresent = true;
    this.#away = 0;
    return 'came';
  }

  /** This picture tells nothing. */
  unsure() {
    if (!this.isPresent) this.#seen = [];
    return null;
  }
}

function toBlocks(grey) {
  const sums = new Float32Array(COLUMNS * ROWS);
  for (let y = 0; y < HEIGHT; y += 1) {
    for (let x = 0; x < WIDTH; x += 1) {
      sums[Math.floor(y / BLOCK) * COLUMNS + Math.floor(x / BLOCK)] += grey[y * WIDTH + x];
    }
  }
  return sums.map((sum) => sum / (BLOCK * BLOCK));
}

/** Columns of those blocks of the middle that are marked. */
function inMiddle(marks) {
  const columns = [];
  marks.forEach((mark, index) => {
    const column = index % COLUMNS;
    if (mark && column >= LEFT && column < RIGHT) columns.push(column);
  });
  return columns;
}

const share = (marks) => marks.reduce((count, mark) => count + Number(mark), 0) / marks.length;
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const median = (values) => values.toSorted()[values.length >> 1];

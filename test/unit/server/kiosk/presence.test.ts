import { beforeEach, describe, expect, it } from 'vitest';
import { HEIGHT, PresenceDetector, WIDTH } from '../../../../server/public/kiosk/presence.mjs';

/** Something before the camera, by its left edge and width in pixels. */
interface Thing {
  readonly x: number;
  readonly width?: number;
}

const FRAMES_PER_SECOND = 4;
let seed: number;
let detector: PresenceDetector;
let seen: (string | null)[];
beforeEach(() => {
  seed = 7;
  detector = new PresenceDetector();
  seen = [];
});

/** −1 to 1, the same in every run. */
function noise(): number {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
  return seed / 1_073_741_824 - 1;
}

/** A room with a lighter wall and furniture, and perhaps something in it that moves a little. */
function frame(things: readonly Thing[], light = 1): Uint8Array {
  const grey = new Uint8Array(WIDTH * HEIGHT);
  for (let y = 0; y < HEIGHT; y += 1) {
    for (let x = 0; x < WIDTH; x += 1) {
      let value = 90 + 40 * Math.sin(x / 9) + y;
      for (const { x: left, width = 18 } of things) {
        if (x >= left && x < left + width && y > 8) value = 60 + 25 * Math.sin((x - left) / 3 + y / 5);
      }
      grey[y * WIDTH + x] = Math.max(0, Math.min(255, value * light + 4 * noise()));
    }
  }
  return grey;
}

function see(
  seconds: number,
  things: (second: number) => readonly Thing[],
  light: (second: number) => number = () => 1,
) {
  for (let count = 0; count < seconds * FRAMES_PER_SECOND; count += 1) {
    const second = count / FRAMES_PER_SECOND;
    const event = detector.push(frame(things(second), light(second))) as string | null;
    if (event) seen.push(event);
  }
}
const nobody = (): readonly Thing[] => [];
const sway = (second: number): readonly Thing[] => [{ x: 23 + 1.5 * Math.sin(second) }];

describe('presence', () => {
  it('is not an empty room', () => {
    see(120, nobody);
    expect(seen).toEqual([]);
  });

  it('is a person who stays for about a second, until ten seconds after they left', () => {
    see(5, nobody);
    see(2, sway);
    expect(seen).toEqual(['came']);
    see(60, sway);
    expect(seen).toEqual(['came']);
    see(9, nobody);
    expect(seen).toEqual(['came']);
    see(2, nobody);
    expect(seen).toEqual(['came', 'left']);
    see(30, nobody);
    see(2, sway);
    expect(seen).toEqual(['came', 'left', 'came']);
  });

  it('goes on while somebody bends down for a moment', () => {
    see(5, nobody);
    see(5, sway);
    see(6, nobody);
    see(5, sway);
    expect(seen).toEqual(['came']);
  });

  it('is not somebody who walks past, quickly or slowly', () => {
    see(5, nobody);
    for (const seconds of [1, 2, 3]) {
      const pixels = (WIDTH + 20) / seconds;
      see(seconds, (second) => [{ x: -20 + pixels * second }]);
      see(3, nobody);
    }
    expect(seen).toEqual([]);
  });

  it('is not somebody at the edge of the picture', () => {
    see(5, nobody);
    see(10, (second) => [{ x: -6 + Math.sin(second) }]);
    expect(seen).toEqual([]);
  });

  it('is not the light, switched off and on, nor a lamp that flickers, nor a cloud', () => {
    see(5, nobody);
    see(5, nobody, () => 0.45);
    see(5, nobody, () => 1);
    see(20, nobody, (second) => 1 + 0.12 * Math.sin(second * 11));
    see(30, nobody, (second) => 1 - second / 60);
    expect(seen).toEqual([]);
  });

  it('is seen by other light, too', () => {
    see(5, nobody);
    see(5, nobody, () => 0.5);
    see(2, sway, () => 0.5);
    expect(seen).toEqual(['came']);
  });

  it('is not a chair that was put there, after a minute', () => {
    see(5, nobody);
    see(90, () => [{ x: 23 }]);
    expect(seen).toEqual(['came', 'left']);
    see(2, (second) => [{ x: 23 }, { x: 38 + Math.sin(second), width: 14 }]);
    expect(seen).toEqual(['came', 'left', 'came']);
  });
});

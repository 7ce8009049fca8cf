import { afterEach, describe, expect, it } from 'vitest';
import { OpusReceiver } from '../../../../server/src/ears/opus-receiver.ts';
import { OpusMicrophone, RATE, seeded, silence } from '../../../support/spoken.ts';

const BLOCK_SAMPLES = 512;
const IDLE_AFTER_MS = 100;

/** A hum of 200 Hz that is easily told from silence. */
function hum(ms: number): Int16Array {
  return silence(ms).map((_, index) => 8000 * Math.sin((2 * Math.PI * 200 * index) / RATE));
}

describe('OpusReceiver', () => {
  const open: { close(): unknown }[] = [];
  afterEach(() => open.splice(0).map((one) => one.close()));

  async function rig(start = {}): Promise<{ microphone: OpusMicrophone; receiver: OpusReceiver }> {
    const [microphone, receiver] = [await OpusMicrophone.open(start), await OpusReceiver.open(IDLE_AFTER_MS)];
    open.push(microphone, receiver);
    return { microphone, receiver };
  }

  /** The power of each 10 ms of what the receiver makes of these packets; 0 is full silence. */
  function powers(blocks: readonly Float32Array[]): number[] {
    const sound = blocks.flatMap((block) => Array.from(block));
    return Array.from({ length: Math.floor(sound.length / 160) }, (_, index) =>
      sound.slice(index * 160, (index + 1) * 160).reduce((sum, sample) => sum + sample * sample, 0),
    );
  }

  const lengthMs = (blocks: readonly Float32Array[]): number => (blocks.length * BLOCK_SAMPLES * 1000) / RATE;

  it('decodes to blocks of 32 ms that follow each other', async () => {
    const { microphone, receiver } = await rig();
    const packets = await microphone.packets(hum(1000));
    const blocks = packets.flatMap((packet) => receiver.push(packet, 0));
    expect(blocks.every(({ length }) => length === BLOCK_SAMPLES)).toBe(true);
    expect(lengthMs(blocks)).toBeGreaterThan(920);
    expect(Math.min(...powers(blocks).slice(5))).toBeGreaterThan(1);
  });

  it('goes on over the wrap of the timestamp and of the numbers', async () => {
    const { microphone, receiver } = await rig({ sequenceNumber: 65_530, rtpTimestamp: 2 ** 32 - 9600 });
    const blocks = (await microphone.packets(hum(1000))).flatMap((packet) => receiver.push(packet, 0));
    expect(lengthMs(blocks)).toBeGreaterThan(920);
    expect(lengthMs(blocks)).toBeLessThanOrEqual(1000);
  });

  it('hides the loss of a packet, and fades out when more are lost', async () => {
    const { microphone, receiver } = await rig();
    const packets = await microphone.packets(hum(2000));
    const left = packets.filter((_, index) => index !== 20 && (index < 40 || index >= 60));
    const power = powers(left.flatMap((packet) => receiver.push(packet, 0)));
    expect(power.length).toBeGreaterThan(190);
    expect(power[41]).toBeGreaterThan(1);
    expect(power[82]).toBeGreaterThan(0.1);
    expect(Math.max(...power.slice(95, 119))).toBe(0);
    expect(Math.min(...power.slice(125, 185))).toBeGreaterThan(1);
  });

  it('hears silence where nothing was sent (DTX)', async () => {
    const { microphone, receiver } = await rig();
    const before = await microphone.packets(hum(500));
    microphone.pause(400);
    const after = await microphone.packets(hum(500));
    const power = powers([...before, ...after].flatMap((packet) => receiver.push(packet, 0)));
    expect(power.length).toBeGreaterThan(130);
    expect(power.length).toBeLessThanOrEqual(140);
    expect(Math.max(...power.slice(52, 88))).toBe(0);
    expect(Math.min(...power.slice(95))).toBeGreaterThan(1);
  });

  it('hears silence while nothing comes, in step with time, and counts it once', async () => {
    const { microphone, receiver } = await rig();
    const packets = await microphone.packets(hum(400));
    const heard = packets.flatMap((packet) => receiver.push(packet, 1000));
    expect(receiver.idle(1000 + IDLE_AFTER_MS - 1)).toEqual([]);
    for (let nowMs = 1100; nowMs <= 1500; nowMs += 20) heard.push(...receiver.idle(nowMs));
    expect(lengthMs(heard)).toBeGreaterThan(400 + 500 - 60);
    expect(lengthMs(heard)).toBeLessThanOrEqual(900);

    // The microphone's time has gone on by 600 ms meanwhile: 100 ms more.
    microphone.pause(600);
    for (const packet of await microphone.packets(hum(100))) heard.push(...receiver.push(packet, 1600));
    expect(lengthMs(heard)).toBeGreaterThan(400 + 600 + 100 - 60);
    expect(lengthMs(heard)).toBeLessThanOrEqual(1100);
  });

  it('does not throw away what a stalled network brings late', async () => {
    const { microphone, receiver } = await rig();
    const packets = await microphone.packets(hum(1000));
    for (const packet of packets.slice(0, 25)) receiver.push(packet, 0);
    receiver.idle(400);
    const late = packets.slice(25).flatMap((packet) => receiver.push(packet, 401));
    expect(powers(late).filter((power) => power > 1).length).toBeGreaterThan(45);
  });

  it('makes at most 2 s of silence of any gap', async () => {
    const { microphone, receiver } = await rig();
    const heard = (await microphone.packets(hum(100))).flatMap((packet) => receiver.push(packet, 0));
    for (let nowMs = 0; nowMs < 60_000; nowMs += 100) heard.push(...receiver.idle(nowMs));
    expect(lengthMs(heard)).toBeLessThan(2200);
    microphone.pause(50_000);
    for (const packet of await microphone.packets(hum(100))) heard.push(...receiver.push(packet, 60_000));
    expect(lengthMs(heard)).toBeLessThan(4300);
  });

  it('says what it holds back when nothing more comes', async () => {
    const { microphone, receiver } = await rig();
    const packets = await microphone.packets(hum(240));
    const heard = packets.filter((_, index) => index !== 9).flatMap((packet) => receiver.push(packet, 0));
    heard.push(...receiver.idle(IDLE_AFTER_MS));
    expect(powers(heard).length).toBeGreaterThan(30);
    expect(Math.max(...powers(heard).slice(20, 23))).toBeGreaterThan(1);
  });

  it('stands anything in place of packets, and then hears again', async () => {
    const { microphone, receiver } = await rig();
    const random = seeded(4);
    const packets = await microphone.packets(hum(2000));
    for (const packet of packets.slice(0, 50)) receiver.push(packet, 0);
    for (let i = 0; i < 5000; i += 1) {
      const garbage = new Uint8Array(random() * 300).map(() => random() * 256);
      // Some of it in a packet's clothes.
      if (i % 2 === 0) garbage.set(packets[50]!.subarray(0, 12).subarray(0, garbage.length));
      expect(receiver.push(garbage, 0).length).toBeLessThan(80);
    }
    receiver.push(new Uint8Array(0), 0);
    const power = powers(packets.slice(52).flatMap((packet) => receiver.push(packet, 0)));
    expect(power.length).toBeGreaterThan(80);
    expect(Math.min(...power.slice(20))).toBeGreaterThan(1);
  });

  it('is silent once it is closed, and may be closed twice', async () => {
    const { microphone, receiver } = await rig();
    const packets = await microphone.packets(hum(200));
    receiver.push(packets[0]!, 0);
    receiver.close();
    receiver.close();
    expect(packets.flatMap((packet) => receiver.push(packet, 0))).toEqual([]);
    expect(receiver.idle(5000)).toEqual([]);
  });
});
